import hashlib

import pytest

from pytest_confmat.errors import ModelError
from pytest_confmat.files import sha256_of


@pytest.mark.parametrize("content", [b"", b"model", bytes(range(256)) * 5000])
def test_it_is_the_sha256_of_the_content(tmp_path, content):
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ModelError) as caught:
        sha256_of(tmp_path / "m.keras")
    assert str(caught.value) == f"{tmp_path}/m.keras cannot be read: No such file or directory"
