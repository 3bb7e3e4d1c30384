from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_confmat.cache import digest_index


@pytest.fixture(scope="session", autouse=True)
def _times_tell() -> Iterator[None]:
    """What the tests expect does not depend on the file system of the temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest_index, "untrusted_times", lambda _: None)
        yield
