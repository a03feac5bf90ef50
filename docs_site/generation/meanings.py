"""What each error means, for readers of the documentation: when it comes, and what to do."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from accounts import errors as accounts
from accounts.api.errors import MediaTypeUnsupported
from anime_search import errors as search
from apikeys import errors as keys
from core.errors import DomainError, Unavailable
from core.surfaces import BodyMalformed, BodyTooLarge, MethodNotAllowed, RouteNotFound
from credits import errors as metering
from deepfake import errors as deepfake
from rankings.errors import ParameterInvalid

MEANINGS: Final[dict[type[DomainError], str]] = {
    DomainError: _("A fault of ours, which was logged. Nothing was charged."),
    Unavailable: _("Something is out of order or busy. Nothing was charged; wait as Retry-After says."),
    RouteNotFound: _("Nothing is at this address."),
    MethodNotAllowed: _("The address takes another method."),
    BodyTooLarge: _("The body has more bytes than are taken."),
    BodyMalformed: _("The body is not what its Content-Type says."),
    MediaTypeUnsupported: _("The body is not JSON."),
    search.ImageMissing: _("Neither a picture nor an address was sent."),
    search.ImageEmpty: _("The file has no byte."),
    search.ImageTooLarge: _("The picture has more bytes than are taken."),
    search.ImageTooManyPixels: _("The picture has more pixels than are decoded."),
    search.ImageUndecodable: _("The bytes are no picture, or a damaged one."),
    search.ImageFetchFailed: _("The address is none, is not public, or nothing came from it."),
    search.ImageFetchTooLarge: _("There is more behind the address than is taken."),
    search.SearchQueueFull: _("Too many searches are waiting. Try again in a moment."),
    search.PreviewTimeInvalid: _("“t” is no number of seconds."),
    search.PreviewSizeInvalid: _("“size” is none of s, m and l."),
    search.PreviewRefused: _("The token does not belong to this preview."),
    search.PreviewExpired: _("The token was right, and its day is over: search again."),
    search.PreviewGone: _("The file is not there any more."),
    search.PreviewsLimited: _("Too many videos were cut for you in a minute."),
    keys.ApiKeyInvalid: _("The key is none of ours, or has expired."),
    keys.ApiKeyRevoked: _("The key was revoked."),
    keys.KeyGuessingLimited: _("Too many wrong keys came from your address."),
    keys.SignInRequired: _("A session is needed; an API key does not do here."),
    keys.ApiKeyNotFound: _("You have no key of this number."),
    keys.KeyTitleInvalid: _("The title is missing or too long."),
    keys.KeyExpiryInvalid: _("The expiry is no time in the future."),
    keys.TooManyKeys: _("You have as many keys as there may be."),
    metering.LimitExceeded: _("A limit is used up. Retry-After says when it is renewed."),
    metering.RateLimited: _("Too many requests in a short time. Retry-After says when to go on."),
    metering.QuotaExhausted: _("The day's allowance is used up."),
    metering.ConcurrencyExceeded: _("As many of your searches run as may at a time."),
    metering.InsufficientCredits: _("Neither free nor bought credits are left."),
    metering.IdempotencyKeyInvalid: _("The Idempotency-Key is empty, too long or not printable."),
    metering.IdempotencyKeyReused: _("The Idempotency-Key named another request before."),
    metering.RequestRunning: _("The request of this Idempotency-Key is being worked on."),
    deepfake.AuthenticationMissing: _("There is no Authorization header with a key."),
    deepfake.AnalysisNotFound: _("You have no such analysis."),
    deepfake.UrlMissing: _("Neither an address nor a file was sent."),
    deepfake.DownloadFailed: _("The video cannot be had from its address. The credit came back."),
    deepfake.VideoUnreadable: _("What came is no video that can be read. The credit came back."),
    deepfake.VideoTooLarge: _("The file has more bytes than are taken."),
    deepfake.AnalysisCancelled: _("The analysis was cancelled. The credit came back."),
    deepfake.AnalysisTimedOut: _("The analysis took too long. The credit came back."),
    deepfake.AnalysisFailed: _("A fault of ours ended the analysis. The credit came back."),
    deepfake.TooManyAnalyses: _("As many of your analyses are open as may be."),
    ParameterInvalid: _("A parameter is not what it may be; the message names it."),
    accounts.OriginForeign: _("A page of another site sent this with your cookie."),
    accounts.TooManyAttempts: _("Too many tries. Retry-After says when to go on."),
    accounts.FieldInvalid: _("A field is missing or is not what it should be; the message names it."),
    accounts.EmailInvalid: _("This is no e-mail address."),
    accounts.PasswordTooShort: _("The new password is too short."),
    accounts.PasswordTooLong: _("The new password is too long."),
    accounts.PasswordTooWeak: _("The new password is common, or like your other data."),
    accounts.PasswordWrong: _("The current password is another one."),
    accounts.TokenInvalid: _("The mail's link is not ours, too old, or was used."),
    accounts.CredentialsInvalid: _("No account has this address and password."),
    accounts.SessionMissing: _("Nobody is signed in."),
    accounts.SecondFactorNotAsked: _("No sign-in is waiting for a code."),
    accounts.CodeInvalid: _("The code is wrong or was used."),
    accounts.EmailUnverified: _("The address has to be confirmed first; another mail was sent."),
    accounts.AccountDisabled: _("The account was switched off by staff."),
    accounts.AccountKept: _("A staff account cannot be deleted here."),
    accounts.CallbackForeign: _("The address to go on to is on another site."),
}
