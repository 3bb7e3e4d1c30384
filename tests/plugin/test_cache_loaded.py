"""Code of the project's that may have changed Keras, and what it means for the cache."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from pytest_confmat.models import runtime
from pytest_confmat.plugin.loaded import loaded_code
from tests.plugin.conftest import Project
from tests.plugin.test_cache import ANEW, Stated, evaluated, gate, kept  # noqa: F401 (fixtures)

# In place of Keras, which takes seconds: what counts is that someone has imported it.
IMPORT = """
import importlib.util
import sys
import types


def import_keras():
    keras = types.ModuleType("keras")
    keras.__spec__ = importlib.util.find_spec("keras")
    sys.modules["keras"] = keras
"""


@pytest.fixture
def stated(project: Project) -> Stated:
    return Stated(project)


def added(stated: Stated, code: str) -> None:
    with (stated.path / "conftest.py").open("a") as stream:
        stream.write(code)


def computed(stated: Stated, *args: str) -> int:
    """Run the gate, and return how many passes that took."""
    before = stated.passes
    result = stated.run(*args)
    assert result.ret == 0, result.text
    return stated.passes - before


def test_an_ordinary_conftest_may_change(stated):
    assert computed(stated) == 1
    added(stated, "# another line\n")
    assert computed(stated) == 0


@pytest.mark.parametrize("where", ["when it is loaded", "in a fixture"])
def test_a_conftest_that_imports_keras_counts_by_its_content(stated, where):
    call = "import_keras()"
    if where == "in a fixture":
        call = '@pytest.fixture(scope="session", autouse=True)\ndef patched():\n    import_keras()'
    added(stated, f"{IMPORT}\n{call}\n")
    assert [computed(stated), computed(stated)] == [1, 0]
    added(stated, "# another patch\n")
    assert [computed(stated), computed(stated)] == [1, 0]


def test_so_does_what_it_imports_and_what_is_named_as_a_plugin_but_no_test(stated):
    (stated.path / "patches.py").write_text(f"{IMPORT}\nimport_keras()\n")
    (stated.path / "local_plugin.py").write_text("one = 1\n")
    test = stated.path / "test_own.py"
    test.write_text("def test_own(): pass\n")
    added(stated, "\nimport patches\n")
    args = ("-p", "local_plugin", "test_own.py", "thresholds.yaml")
    assert [computed(stated, *args), computed(stated, *args)] == [1, 0]
    for name in ("patches.py", "local_plugin.py"):
        with (stated.path / name).open("a") as stream:
            stream.write("two = 2\n")
        assert [computed(stated, *args), computed(stated, *args)] == [1, 0], name
    test.write_text("def test_own(): assert True\n")
    assert computed(stated, *args) == 0
    # Unless it says that it may have changed Keras too.
    test.write_text("import keras\n\ndef test_own(): assert True\n")
    assert [computed(stated, *args), computed(stated, *args)] == [1, 0]


def test_workers_and_a_run_alone_say_the_same(stated):
    added(stated, f"{IMPORT}\nimport_keras()\n")
    assert computed(stated, "-n", "2") == 1
    assert computed(stated, "-n", "2") == 0
    assert computed(stated) == 0


def test_a_project_that_changes_keras_itself(kept):  # noqa: F811
    # The evaluation that is kept was made without it.
    (kept / "conftest.py").write_text(f"import keras\n\nkeras.layers.Dense.call = len\n{ANEW}")
    status, heavy, said = gate(kept)
    assert status == 1
    assert "keras" in heavy
    assert "computed anew" in said


@pytest.fixture
def process(monkeypatch, tmp_path):
    """A process in which a module of the project's is a plugin, and Keras is not imported."""

    class Process:
        def __init__(self) -> None:
            self.plugin = self.module("patches.py", "one = 1\n")
            manager = SimpleNamespace(
                get_plugins=lambda: {self.plugin, object()},
                list_plugin_distinfo=lambda: [
                    (None, SimpleNamespace(project_name="pytest-x", version="1.0"))
                ],
            )
            self.config = SimpleNamespace(
                pluginmanager=manager, rootpath=tmp_path, getini=lambda _: ["test_*.py"]
            )

        def module(self, name: str, code: str) -> ModuleType:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)
            module = ModuleType(name.removesuffix(".py"))
            module.__file__ = str(path)
            return module

        @property
        def names(self) -> list[str]:
            return [name for name, _ in loaded_code(self.config)["modules"]]

    for name in ("keras", "tensorflow"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    # The modules of this suite are no project's.
    library, here = sysconfig.get_path, str(Path(__file__).parents[2])
    monkeypatch.setattr(
        "sysconfig.get_path", lambda name: here if name == "platlib" else library(name)
    )
    monkeypatch.setattr(runtime, "imported_first", False)
    return Process()


@pytest.mark.parametrize("name", ["keras", "tensorflow"])
def test_it_takes_an_import_of_keras_or_tensorflow(process, monkeypatch, name):
    assert loaded_code(process.config) is None
    monkeypatch.setitem(sys.modules, name, None)  # an import that is blocked
    assert loaded_code(process.config) is None
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    found = loaded_code(process.config)
    assert [name for name, _ in found["modules"]] == ["patches.py"]
    assert found["plugins"] == ["pytest-x 1.0"]


def test_our_own_import_is_none_unless_there_is_code_that_may_go_on_from_there(
    process, monkeypatch
):
    monkeypatch.setitem(sys.modules, "keras", ModuleType("keras"))
    monkeypatch.setattr(runtime, "imported_first", True)
    assert loaded_code(process.config) is None
    Path(process.plugin.__file__).write_text("def later():\n    import keras\n")
    assert loaded_code(process.config) is not None


def test_translations_that_tensorflow_made_of_functions_are_none(process, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "keras", ModuleType("keras"))
    before = loaded_code(process.config)
    made = ModuleType("__autograph_generated_filexyz")
    made.__file__ = str(tmp_path / "__autograph_generated_filexyz.py")
    Path(made.__file__).write_text("import tensorflow")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    assert loaded_code(process.config) == before


def test_which_modules_are_the_projects(process, monkeypatch, tmp_path_factory):
    monkeypatch.setitem(sys.modules, "keras", ModuleType("keras"))
    for name in ("src/layers.py", "test_layers.py", "gone.py"):
        monkeypatch.setitem(sys.modules, name, process.module(name, "x = 1\n"))
    Path(process.module("gone.py", "").__file__).unlink()
    monkeypatch.setitem(sys.modules, "no module", SimpleNamespace(__file__="x"))
    assert process.names == ["patches.py", "src/layers.py"]
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "shared.py"
    elsewhere.write_text("x = 1\n")
    module = ModuleType("shared")
    module.__file__ = str(elsewhere)
    monkeypatch.setitem(sys.modules, "shared", module)
    assert process.names == ["patches.py", "shared.py", "src/layers.py"]
    monkeypatch.delitem(sys.modules, "shared")
    # An environment below the project's root is not the project's.
    library, src = sysconfig.get_path, str(process.config.rootpath / "src")
    monkeypatch.setattr(
        "sysconfig.get_path", lambda name: src if name == "platstdlib" else library(name)
    )
    assert process.names == ["patches.py"]
