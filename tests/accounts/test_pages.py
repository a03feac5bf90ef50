"""Pages of accounts: each opens, in the site's own form, and none needs what the content policy forbids."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as configured
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import get_resolver
from pytest_django import Settings

from accounts.models import User
from accounts.services import create_user
from accounts.tabs import account_tabs
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db
Mails = list[EmailMessage]

OPEN_PAGES = [
    "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/", "/accounts/inactive/", "/accounts/confirm-email/",
    "/accounts/signed-up/", "/accounts/3rdparty/login/cancelled/",
]  # fmt: skip
MEMBER_PAGES = [
    "/account", "/account/delete", "/accounts/logout/", "/accounts/email/", "/accounts/password/change/",
    "/accounts/2fa/", "/accounts/sessions/", "/accounts/3rdparty/", "/accounts/reauthenticate/",
    "/accounts/confirm-email/", "/accounts/inactive/",
]  # fmt: skip


class PolicyReader(HTMLParser):
    """Collects what the content policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.blocked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        inline = tag == "style" or (tag == "script" and "src" not in found)
        if inline or "style" in found or any(name.startswith("on") for name in found):
            self.blocked.append(str((tag, found)))
        for name in ("src", "href", "action"):
            value = found.get(name) or ""
            if re.match(r"(https?:)?//|javascript:", value):
                self.blocked.append(f"{tag} {value}")


def in_our_form(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    text: str = response.content.decode()
    assert 'class="brand"' in text
    assert "css/frameproof.css" in text
    assert text.count("<h1") == 1
    assert "Menu:" not in text
    reader = PolicyReader()
    reader.feed(text)
    assert reader.blocked == []
    return text


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_page_for_everybody_opens(client: Client, path: str) -> None:
    text = in_our_form(client.get(path))
    assert "css/account.css" in text
    assert "Sign in" in text


@pytest.mark.parametrize("path", MEMBER_PAGES)
def test_page_for_members_opens(visitor: Client, path: str) -> None:
    text = in_our_form(visitor.get(path))
    assert "css/account.css" in text
    assert 'href="/accounts/logout/"' in text


@pytest.mark.parametrize(
    "path", [path for path in MEMBER_PAGES if "confirm" not in path and "inactive" not in path]
)
def test_page_for_members_asks_a_visitor_to_sign_in(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/") or path == "/accounts/logout/"


def test_every_page_of_allauth_is_known_here() -> None:
    """A page that a new version brings has to be looked at before it is served."""
    served = {
        name for name in get_resolver().reverse_dict
        if isinstance(name, str) and name.startswith(("account_", "mfa_", "usersessions_", "socialaccount_"))
    }  # fmt: skip
    ours = {"account_export", "account_delete", "account_end_session", "account_signed_up"}
    assert served - ours == {
        "account_change_password", "account_confirm_email", "account_confirm_login_code", "account_email", "account_email_verification_sent",
        "account_inactive", "account_login", "account_logout", "account_reauthenticate", "account_reset_password",
        "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
        "account_set_password", "account_signup", "mfa_activate_totp", "mfa_authenticate", "mfa_deactivate_totp",
        "mfa_download_recovery_codes", "mfa_generate_recovery_codes", "mfa_index", "mfa_reauthenticate",
        "mfa_view_recovery_codes", "socialaccount_connections", "socialaccount_login_cancelled",
        "socialaccount_login_error", "socialaccount_signup", "usersessions_list",
    }  # fmt: skip


def test_nav_leads_to_where_one_can_go(client: Client, member: User) -> None:
    assert 'href="/accounts/login/"' in client.get("/").content.decode()
    client.force_login(member)
    text = client.get("/").content.decode()
    assert 'href="/account"' in text
    assert 'href="/accounts/login/"' not in text


def test_tabs_lead_to_pages_and_name_their_own(visitor: Client) -> None:
    tabs = account_tabs()
    assert [tab.name for tab in tabs if tab.name in {"profile", "email", "password", "mfa", "sessions"}] == [
        "profile", "email", "password", "mfa", "sessions"
    ]  # fmt: skip
    for tab in tabs:
        text = in_our_form(visitor.get(tab.url))
        assert f'<a href="{tab.url}" aria-current="page">' in text


# --- signing up and in ---------------------------------------------------------------------------------------
def sign_up(client: Client, email: str, **more: str) -> Any:
    return client.post("/accounts/signup/", {"name": "New", "email": email, "password1": PASSWORD, **more})


@pytest.mark.parametrize("verification", ["optional", "mandatory"])
def test_known_address_signs_up_to_the_same_page(
    client: Client, member: User, settings: Settings, mailoutbox: Mails, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    known, new = sign_up(client, member.email), sign_up(Client(), "another@example.com")
    for response in (known, new):
        assert (response.status_code, response["Location"]) == (302, "/accounts/signed-up/")
        assert settings.SESSION_COOKIE_NAME not in response.cookies
    assert sorted(known.cookies) == sorted(new.cookies)
    assert set(known.headers) == set(new.headers)
    assert [mail.to for mail in mailoutbox] == [[member.email], ["another@example.com"]]
    text = in_our_form(client.get("/accounts/signed-up/"))
    assert "Check your mail" in text
    assert ("You can sign in at once" in text) == (verification == "optional")
    assert User.objects.get(email="another@example.com").name == "New"
    assert client.get("/account").status_code == 302


def test_address_that_somebody_else_took_at_that_moment_is_answered_alike(
    client: Client, member: User, monkeypatch: pytest.MonkeyPatch, mailoutbox: Mails
) -> None:
    monkeypatch.setattr("accounts.forms.filter_users_by_email", lambda email: [])
    assert sign_up(client, member.email)["Location"] == "/accounts/signed-up/"
    assert "already exists" in mailoutbox[0].body
    assert User.objects.count() == 1


def test_form_with_mistakes_says_so(client: Client) -> None:
    response = client.post("/accounts/signup/", {"email": "x", "password1": "short"})
    text = in_our_form(response)
    assert "Enter a valid email address." in text
    assert "too short" in text


def test_wrong_password_and_unknown_address_look_alike(client: Client, member: User) -> None:
    texts = [
        in_our_form(client.post("/accounts/login/", {"login": email, "password": "wrong"})).replace(email, "")
        for email in (member.email, "nobody@example.com")
    ]
    strip = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
    assert strip.sub("", texts[0]) == strip.sub("", texts[1])
    assert "are not correct" in texts[0]


def test_unverified_address_is_asked_to_look_at_the_mail(
    client: Client, settings: Settings, mailoutbox: Mails
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    create_user(email="new@example.com", password=PASSWORD, verified=False)
    response = client.post(
        "/accounts/login/", {"login": "new@example.com", "password": PASSWORD}, follow=True
    )
    assert "Verify" in in_our_form(response)
    assert client.get("/account").status_code == 302
    assert len(mailoutbox) == 1


def test_second_sign_in_leads_on_to_where_one_wanted(client: Client, member: User) -> None:
    fields = {"login": member.email, "password": PASSWORD, "next": "/account/delete"}
    assert client.post("/accounts/login/", fields)["Location"] == "/account/delete"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "http:evil.example", "///evil.example", "https://testserver@evil.example", "/\t/evil.example",
     "data:text/html,x", "http://localhost:1"],
)  # fmt: skip
def test_way_on_stays_on_our_host(client: Client, member: User, target: str) -> None:
    fields = {"login": member.email, "password": PASSWORD, "next": target}
    assert client.post("/accounts/login/", fields)["Location"] == "/account"
    assert client.post("/accounts/logout/", {"next": target})["Location"] == "/"
    in_our_form(client.get("/accounts/login/", {"next": target}))


@pytest.mark.parametrize("target", ["/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:a=b"])
def test_way_on_writes_no_header(client: Client, member: User, target: str) -> None:
    fields = {"login": member.email, "password": PASSWORD, "next": target}
    response = client.post("/accounts/login/", fields)
    assert response.status_code == 302
    assert "a" not in response.cookies
    assert "\n" not in response["Location"]


def test_form_without_its_token_is_refused(member: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    assert response.status_code == 403


def test_session_ends_by_signing_out_on_the_page(visitor: Client) -> None:
    key = visitor.cookies[configured.SESSION_COOKIE_NAME].value
    assert visitor.get("/accounts/logout/").status_code == 200
    assert visitor.get("/account").status_code == 200
    visitor.post("/accounts/logout/")
    visitor.cookies[configured.SESSION_COOKIE_NAME] = key
    assert visitor.get("/account").status_code == 302


# --- links of mails ------------------------------------------------------------------------------------------
def reset_link(client: Client, mailoutbox: Mails, email: str) -> str:
    client.post("/accounts/password/reset/", {"email": email})
    found = re.search(r"http://testserver(/\S+)", mailoutbox[-1].body)
    assert found
    return found[1]


def test_link_to_reset_serves_once(client: Client, member: User, mailoutbox: Mails) -> None:
    link = reset_link(client, mailoutbox, member.email)
    form = client.get(link, follow=True)
    in_our_form(form)
    address = form.redirect_chain[-1][0]
    fields = {"password1": "another secret of 23", "password2": "another secret of 23"}
    assert client.post(address, fields)["Location"] == "/accounts/password/reset/key/done/"
    assert "already been used" in in_our_form(Client().get(link), 400)
    assert "already been used" in in_our_form(client.post(address, fields), 400)
    member.refresh_from_db()
    assert member.check_password("another secret of 23")


def test_link_to_reset_of_another_user_is_refused(client: Client, member: User, mailoutbox: Mails) -> None:
    other = create_user(email="other@example.com", password=PASSWORD)
    link = reset_link(client, mailoutbox, member.email)
    key = link.rstrip("/").rsplit("/", 1)[1].partition("-")[2]
    in_our_form(client.get(f"/accounts/password/reset/key/{other.pk}-{key}/"), 400)


def test_reset_of_an_unknown_address_is_the_same_page(client: Client, member: User) -> None:
    known = client.post("/accounts/password/reset/", {"email": member.email}, follow=True)
    unknown = Client().post("/accounts/password/reset/", {"email": "nobody@example.com"}, follow=True)
    assert known.redirect_chain == unknown.redirect_chain
    masked = re.compile(r'(?<=name="csrfmiddlewaretoken" value=")\w+')
    assert masked.sub("", in_our_form(known)) == masked.sub("", in_our_form(unknown))


def test_link_to_verify_that_is_no_good_is_refused(client: Client) -> None:
    in_our_form(client.get("/accounts/confirm-email/MQ:1x:abc/"), 400)
    assert client.post("/accounts/confirm-email/MQ:1x:abc/").status_code == 404


def test_address_changes_when_the_new_one_is_verified(
    visitor: Client, member: User, mailoutbox: Mails
) -> None:
    response = visitor.post("/accounts/email/", {"email": "new@example.com", "action_add": ""}, follow=True)
    assert "new@example.com" in in_our_form(response)
    member.refresh_from_db()
    assert member.email == "someone@example.com"
    found = re.search(r"http://testserver(/\S+)", mailoutbox[0].body)
    assert found
    in_our_form(visitor.get(found[1]))
    visitor.post(found[1])
    member.refresh_from_db()
    assert member.email == "new@example.com"


def test_change_to_a_known_address_tells_nothing(visitor: Client, mailoutbox: Mails) -> None:
    create_user(email="other@example.com", password=PASSWORD)
    answers = [
        visitor.post("/accounts/email/", {"email": email, "action_add": ""})
        for email in ("other@example.com", "unknown@example.com")
    ]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, "/accounts/email/")] * 2


def test_password_changes_and_other_sessions_end(visitor: Client, member: User) -> None:
    other = Client()
    other.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    new = "another secret of 23"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    in_our_form(visitor.post("/accounts/password/change/", fields, follow=True))
    assert visitor.get("/account").status_code == 200
    assert other.get("/account").status_code == 302


# --- the second factor ---------------------------------------------------------------------------------------
def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(counters()))))


def test_second_factor_is_set_up_used_and_taken_away(visitor: Client, member: User) -> None:
    asked = visitor.get("/accounts/2fa/totp/activate/", follow=True)
    assert asked.redirect_chain[0][0].startswith("/accounts/reauthenticate/")
    in_our_form(asked)
    visitor.post("/accounts/reauthenticate/", {"password": PASSWORD})
    text = in_our_form(visitor.get("/accounts/2fa/totp/activate/"))
    assert 'src="data:image/svg+xml;base64,' in text
    found = re.search(r'id="authenticator_secret" value="(\w+)"|value="(\w{32})"', text)
    assert found
    secret = found[1] or found[2]
    assert "Incorrect code" in in_our_form(visitor.post("/accounts/2fa/totp/activate/", {"code": "000000"}))
    done = visitor.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)}, follow=True)
    assert done.redirect_chain[-1][0] == "/accounts/2fa/recovery-codes/"
    codes = re.findall(r"<li>(\d{8})</li>", in_our_form(done))
    assert len(codes) == 10
    for path in ("/accounts/2fa/", "/accounts/2fa/recovery-codes/generate/", "/accounts/2fa/totp/deactivate/",
                 "/accounts/2fa/reauthenticate/"):  # fmt: skip
        in_our_form(visitor.get(path))
    saved = visitor.get("/accounts/2fa/recovery-codes/download/")
    assert saved["Content-Type"].startswith("text/plain")
    assert codes[0] in saved.content.decode()

    other = Client()
    asked = other.post("/accounts/login/", {"login": member.email, "password": PASSWORD}, follow=True)
    assert asked.redirect_chain[-1][0] == "/accounts/2fa/authenticate/"
    in_our_form(asked)
    assert other.get("/account").status_code == 302
    assert "Incorrect code" in in_our_form(other.post("/accounts/2fa/authenticate/", {"code": "00000000"}))
    assert other.post("/accounts/2fa/authenticate/", {"code": codes[0]})["Location"] == "/account"

    assert visitor.post("/accounts/2fa/totp/deactivate/")["Location"] == "/accounts/2fa/"
    assert (
        Client().post("/accounts/login/", {"login": member.email, "password": PASSWORD})["Location"]
        == "/account"
    )


def test_recovery_codes_are_made_anew(visitor: Client, member: User) -> None:
    TOTP.activate(member, generate_totp_secret())
    old = RecoveryCodes.activate(member).get_unused_codes()
    visitor.post("/accounts/reauthenticate/", {"password": PASSWORD})
    text = in_our_form(visitor.post("/accounts/2fa/recovery-codes/generate/", follow=True))
    new = re.findall(r"<li>(\d{8})</li>", text)
    assert len(new) == 10
    assert not set(new) & set(old)


def test_unverified_address_has_no_second_factor(client: Client) -> None:
    """Else somebody could lock the owner of an address out, by signing up with it first."""
    create_user(email="new@example.com", password=PASSWORD, verified=False)
    client.post("/accounts/login/", {"login": "new@example.com", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    text = in_our_form(client.get("/accounts/2fa/totp/activate/", follow=True))
    assert "verified your email address" in text


# --- sessions and profile ------------------------------------------------------------------------------------
def test_sessions_are_listed_and_ended(visitor: Client, member: User) -> None:
    other = Client(HTTP_USER_AGENT="Other/1.0 <b>browser</b>")
    other.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    text = in_our_form(visitor.get("/accounts/sessions/"))
    assert "Other/1.0 &lt;b&gt;" in text
    tokens = re.findall(r'name="token" value="(\w{64})"', text)
    assert len(tokens) == 2
    keys = {each.cookies[configured.SESSION_COOKIE_NAME].value for each in (visitor, other)}
    assert not any(key in text for key in keys)
    own = visitor.get("/api/auth/get-session").json()["session"]["token"]
    (token,) = set(tokens) - {own}
    assert visitor.post("/account/sessions/end", {"token": token})["Location"] == "/accounts/sessions/"
    assert other.get("/account").status_code == 302
    assert visitor.get("/account").status_code == 200
    other.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    in_our_form(visitor.post("/accounts/sessions/", follow=True))
    assert other.get("/account").status_code == 302


def test_name_can_be_changed(visitor: Client, member: User) -> None:
    visitor.post(
        "/account", {"name": "Ann <i>Example</i>", "email": "evil@example.com", "tier": "enterprise"}
    )
    member.refresh_from_db()
    assert (member.name, member.email, member.tier) == ("Ann <i>Example</i>", "someone@example.com", "free")
    assert "Ann &lt;i&gt;Example" in in_our_form(visitor.get("/account"))
    text = in_our_form(visitor.post("/account", {"name": "x" * 151}))
    assert "at most 150" in text
    assert "someone@example.com" in text


def test_account_without_a_password_can_set_one(client: Client, member: User) -> None:
    member.set_unusable_password()
    member.save()
    client.force_login(member)
    in_our_form(client.get("/accounts/password/change/", follow=True))
    fields = {"password1": "another secret of 23", "password2": "another secret of 23"}
    client.post("/accounts/password/set/", fields)
    member.refresh_from_db()
    assert member.check_password("another secret of 23")


def test_connections_page_survives_a_provider_that_is_no_longer_set_up(visitor: Client, member: User) -> None:
    SocialAccount.objects.create(user=member, provider="github", uid="1", extra_data={"login": "x"})
    in_our_form(visitor.get("/accounts/3rdparty/"))


def test_sign_in_elsewhere_that_failed_says_so(client: Client) -> None:
    in_our_form(client.get("/accounts/3rdparty/login/error/"), 401)
    assert client.get("/accounts/3rdparty/signup/").status_code == 302
    assert client.get("/accounts/login/code/confirm/").status_code == 302


@pytest.mark.parametrize("path", ["/account/sessions/end"])
def test_write_by_reading_is_refused(visitor: Client, path: str) -> None:
    assert visitor.get(path).status_code == 405


def test_admin_is_not_for_members(visitor: Client) -> None:
    in_our_form(visitor.get("/admin/login/"), 403)
