"""A user with credits whose agent calls the tools, and the seams behind which detector and downloader are."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.principal import Principal
from apikeys.services import create_key
from tests.contracts.mcp.agent import Agent
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
    return create_key(user_id=owner.pk, title="agent")[1]


@pytest.fixture
def agent(principal: Principal) -> Agent:  # noqa: F811 - the fixture
    """The owner's agent, on the owner's own machine."""
    return Agent(lambda ctx: principal)
