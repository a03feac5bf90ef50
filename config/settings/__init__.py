"""Django settings: one package for every profile.

The *embedded* profile (SQLite, in-process cache and broker) is what runs when nothing is set;
``DATABASE_URL`` and ``REDIS_URL`` alone make it the *production* one.
"""

from __future__ import annotations

import os

from config.env import BASE_DIR, directory, env, networks, secret_key
from config.settings.auth import AUTH_APPS, SOCIAL_ORIGINS, auth_settings
from config.settings.downloads import EXTRACTORS, extractor_names
from config.settings.payments import payment_settings
from config.settings.queues import celery_settings
from config.settings.storage import caches, databases
from config.settings.web import content_security_policy, https_settings

DATA_DIR = directory("DATA_DIR", BASE_DIR / "data")
DATABASE_URL = env.str("DATABASE_URL", "")
REDIS_URL = env.str("REDIS_URL", "")
#: Everything in one process tree: the server process runs the Celery workers in threads.
EMBEDDED = not REDIS_URL

#: Where ``manage.py serve`` listens.
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000, validate=lambda port: 0 < port < 65536)

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = secret_key(DATA_DIR, required=bool(DATABASE_URL))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", HOST])
#: The site's own address in links that API answers carry; empty: taken from the request's Host.
SITE_URL = env.str("SITE_URL", "").rstrip("/")
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")
#: Hosts or networks that an operator lets image URLs reach although they are not public.
FETCH_ALLOWED_NETWORKS: tuple[str, ...] = tuple(env.list("FETCH_ALLOWED_NETWORKS", []))

INSTALLED_APPS = [
    "config.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "csp",
    *AUTH_APPS,
    "core",
    "accounts",
    "apikeys",
    "credits",
    "anime_search",
    "deepfake",
    "rankings",
    "docs_site",
    "mcp_server",
    "status",
    "pwa",
]

MIDDLEWARE = [
    "core.middleware.BodilessHeadMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.middleware.SessionCookieMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "core.middleware.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "config.urls"
CSRF_FAILURE_VIEW = "core.error_pages.forged"
WSGI_APPLICATION = "config.wsgi.application"
#: A client of the original APIs posts to exactly the documented path: redirecting it would lose the body.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = databases(DATABASE_URL, DATA_DIR)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = caches(REDIS_URL)
globals().update(celery_settings(REDIS_URL))

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
] + [{"NAME": "accounts.passwords.MaximumLengthValidator"}]
globals().update(auth_settings(DATA_DIR))

LANGUAGE_CODE = "en"
#: Those that have a catalogue here, under their own names: Django would else call a page German because it speaks German itself.
LANGUAGES = [
    ("en", "English"),
    ("ko", "한국어"),
    ("ja", "日本語"),
    ("zh-hant", "繁體中文"),
    ("zh-hans", "简体中文"),
]
LANGUAGE_COOKIE_AGE = 365 * 86400
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]

STATIC_URL = "static/"
STATIC_ROOT = directory("STATIC_ROOT", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
#: Files are found where they lie while developing and testing; a server collects them first.
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

#: The largest request body that any surface takes; each surface may ask for less.
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", 32 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

_PAYMENTS = payment_settings()
STRIPE_SECRET_KEY = _PAYMENTS.secret_key
STRIPE_WEBHOOK_SECRET = _PAYMENTS.webhook_secret
STRIPE_API_BASE = _PAYMENTS.api_base
CREDIT_PACKS = _PAYMENTS.packs
TIER_SUBSCRIPTIONS = _PAYMENTS.subscriptions
CREDITS_CONTACT = _PAYMENTS.contact
CURRENCY_DECIMALS = _PAYMENTS.decimals

CONTENT_SECURITY_POLICY = content_security_policy(form_targets=[*SOCIAL_ORIGINS, *_PAYMENTS.origins])
globals().update(https_settings(enabled=env.bool("HTTPS", False)))
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "celery": {"level": "WARNING"},
        "faiss": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
        "mcp": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
        "watchfiles": {"level": "WARNING"},
    },
}

# --- the scene index -----------------------------------------------------------------------------------------
#: Where the frame index lives: ``hnsw`` is files under DATA_DIR.
ANIME_INDEX = env.str("ANIME_INDEX", "hnsw")
#: Candidates that the graph search of HNSW keeps (its ``ef``): recall against time.
ANIME_INDEX_EF = env.int("ANIME_INDEX_EF", 256, validate=lambda value: 16 <= value <= 4096)
#: Frames a second that ingest looks at, at most.
ANIME_SAMPLE_RATE_HZ = env.float("ANIME_SAMPLE_RATE_HZ", 12.0, validate=lambda value: 0.5 <= value <= 60)
#: Seconds that a search may take, from the queue to the answer, before it is given up.
ANIME_SEARCH_DEADLINE_S = env.float("ANIME_SEARCH_DEADLINE_S", 15.0)
#: Searches that may wait for a worker; guests of today's trace.moe API are refused when half as many wait.
SEARCH_QUEUE_LENGTH = env.int("SEARCH_QUEUE_LENGTH", 64, validate=lambda n: n >= 1)
#: Files that one process decodes at a time, each in a child process of its own.
INGEST_WORKERS = env.int("INGEST_WORKERS", os.cpu_count() or 1, validate=lambda n: 1 <= n <= 256)
#: Clips and stills that were cut before, under DATA_DIR; the least recently used make room for new ones.
PREVIEW_CACHE_BYTES = env.int("PREVIEW_CACHE_BYTES", 1 << 30, validate=lambda size: size >= 1 << 24)
#: Clips that one process cuts at a time.
PREVIEW_WORKERS = env.int("PREVIEW_WORKERS", os.cpu_count() or 1, validate=lambda n: 1 <= n <= 256)
#: Clips that one caller may have cut in a minute; those that were cut before are not counted. 0: as many as it likes.
PREVIEW_CUTS_PER_MINUTE = env.int("PREVIEW_CUTS_PER_MINUTE", 60, validate=lambda n: 0 <= n <= 100_000)
ANILIST_URL = env.str("ANILIST_URL", "https://graphql.anilist.co")
#: Whether a worker fetches the covers of indexed titles, from the addresses that their metadata gives.
ANIME_COVERS = env.bool("ANIME_COVERS", True)
#: Days after which the link to a shared result, and the picture kept for it, are gone.
SHARED_RESULT_DAYS = env.int("SHARED_RESULT_DAYS", 30, validate=lambda n: 1 <= n <= 3650)
#: Days after which the searches that an account can look up are forgotten; 0: none are noted.
ANIME_HISTORY_DAYS = env.int("ANIME_HISTORY_DAYS", 90, validate=lambda n: 0 <= n <= 36_500)

# --- the analysis of videos ----------------------------------------------------------------------------------
#: Seconds that a request waits for its verdict before the analysis is cancelled and refunded.
DEEPFAKE_DEADLINE_S = env.float("DEEPFAKE_DEADLINE_S", 60.0, validate=lambda value: 1 <= value <= 600)
#: Seconds that one attempt at an analysis may take, download included.
DEEPFAKE_TIMEOUT_S = env.float("DEEPFAKE_TIMEOUT_S", 300.0, validate=lambda value: 10 <= value <= 1200)
#: Analyses that may wait or run: of all callers, and of one.
DEEPFAKE_QUEUE_LENGTH = env.int("DEEPFAKE_QUEUE_LENGTH", 64, validate=lambda n: n >= 1)
DEEPFAKE_OPEN_PER_CALLER = env.int("DEEPFAKE_OPEN_PER_CALLER", 8, validate=lambda n: n >= 1)
#: Analyses that one process carries out at a time.
DEEPFAKE_WORKERS = env.int("DEEPFAKE_WORKERS", 1, validate=lambda n: 1 <= n <= 256)
#: Days after which an analysis is forgotten; 0: never.
DEEPFAKE_KEPT_DAYS = env.int("DEEPFAKE_KEPT_DAYS", 365, validate=lambda n: 0 <= n <= 36_500)
#: Days after which a file is forgotten that its owner asked to keep with the verdict.
DEEPFAKE_FILE_KEPT_DAYS = env.int("DEEPFAKE_FILE_KEPT_DAYS", 30, validate=lambda n: 1 <= n <= 36_500)
#: The model that is used, by its name; empty: the one that was activated, else the project's own.
DEEPFAKE_MODEL = env.str("DEEPFAKE_MODEL", "")
#: Threads that one analysis may use.
DEEPFAKE_THREADS = env.int("DEEPFAKE_THREADS", min(2, os.cpu_count() or 1), validate=lambda n: 1 <= n <= 64)
#: Address space of the child process that an analysis runs in, in bytes: three times what it really takes, or more.
DEEPFAKE_MEMORY_BYTES = env.int(
    "DEEPFAKE_MEMORY_BYTES", 3 << 30, validate=lambda size: 1 << 30 <= size <= 1 << 40
)

# --- getting the videos that are analysed ------------------------------------------------------------------------
#: Extractors of yt-dlp that may be used; a name stands for those that begin with it and a colon, too.
DEEPFAKE_EXTRACTORS = extractor_names("DEEPFAKE_EXTRACTORS", env.list("DEEPFAKE_EXTRACTORS", EXTRACTORS))
#: The largest video that is downloaded, in bytes.
DEEPFAKE_MAX_BYTES = env.int(
    "DEEPFAKE_MAX_BYTES", 200_000_000, validate=lambda size: 1 << 20 <= size <= 1 << 34
)
#: The longest video that is analysed, in seconds, wherever it comes from.
DEEPFAKE_MAX_DURATION_S = env.float(
    "DEEPFAKE_MAX_DURATION_S", 900.0, validate=lambda value: 1 <= value <= 43_200
)
#: Seconds that a download may take in all.
DEEPFAKE_DOWNLOAD_TIMEOUT_S = env.float(
    "DEEPFAKE_DOWNLOAD_TIMEOUT_S", 120.0, validate=lambda value: 1 <= value <= 3600
)
