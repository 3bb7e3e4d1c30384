from __future__ import annotations

import json


def test_four_workers_compute_one_evaluation(project):
    project.run("-n", "4")
    assert project.passes == 1
    assert project.run("-n", "4", "--dist", "loadfile").ret == 0
    assert project.run("-n", "0").ret == 0
    assert project.run("-p", "no:xdist").ret == 0
    assert project.passes == 4


def test_a_worker_killed_while_computing_is_replaced(project):
    conftest = project.path / "conftest.py"
    text = conftest.read_text().replace(
        "        for actual, row",
        """\
        import os, signal
        if not os.path.exists("killed"):
            open("killed", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        for actual, row""",
    )
    conftest.write_text(text)
    result = project.run("-n", "2", "--confmat-report=out")
    assert project.passes == 2
    # xdist fails the item whose worker died; every limit but that one is checked.
    assert result.ret == 1
    document = json.loads((project.path / "out/confmat.json").read_text())
    assert len(document["verdicts"]) >= 4
    assert {verdict["outcome"] for verdict in document["verdicts"]} == {"passed"}
    assert document["matrix"] == [[19, 1, 0], [2, 18, 0], [0, 0, 10]]


def test_nothing_is_left_behind(project, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    assert project.run("-n", "2").ret == 0
    assert [path.name for path in folder.iterdir() if "confmat" in path.name] == []
