"""Which evaluations of a session are the same."""

import os

from pytest_confmat.plugin.evaluator import Evaluator
from pytest_confmat.spec import Argmax, DirectorySpec, ModelSpec


def test_a_model_file_that_is_written_anew_is_another_model(tmp_path):
    path, evaluator = tmp_path / "m.keras", Evaluator()
    job = evaluator.job(ModelSpec(path), DirectorySpec(tmp_path), ("a", "b"), Argmax())
    keys = [evaluator.key(job)]
    path.write_bytes(b"one")
    keys += [evaluator.key(job), evaluator.key(job)]
    before = path.stat()
    (tmp_path / "other").write_bytes(b"two")
    os.utime(tmp_path / "other", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "other").replace(path)
    keys.append(evaluator.key(job))
    assert keys[1] == keys[2]
    assert len(set(keys)) == 3
