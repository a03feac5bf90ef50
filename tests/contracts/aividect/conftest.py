"""A user with a key, a worker, and the two seams behind which the detector and the downloader are."""

from __future__ import annotations

import pytest

from accounts.models import User
from apikeys.services import create_key
from tests.deepfake.conftest import (  # noqa: F401 - fixtures
    balance,
    detector,
    downloader,
    make_analysis,
    own_data_dir,
    owner,
    principal,
)


@pytest.fixture
def owner_key(owner: User) -> str:  # noqa: F811 - the fixture
    return create_key(user_id=owner.pk, title="Production")[1]
