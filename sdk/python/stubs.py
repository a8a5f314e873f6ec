"""Makes the stubs in `template/*/stubs` from the contract, with componentize-py, which the path must hold.

They are kept in the repository so that an editor, a type checker and `unittest` know the contract in a fresh project.
Only the component has the real code behind them.
"""

import pathlib
import shutil
import subprocess
import tempfile

SDK = pathlib.Path(__file__).resolve().parent
WIT = SDK.parent.parent / "wit"

KINDS = {
    "auth": "auth/authenticator",
    "credential": "credential/provider",
    "validate": "validate/validator",
    "route": "route/router",
    "retry": "retry/strategy",
    "sanitize": "sanitize/sanitizer",
}

# What a plugin of any kind may import while Python's own imports are stubbed.
IMPORTS = ("witgate:counter/counter@0.1.0",)

COMMON = (
    "componentize_py_types.py",
    "wit_world/__init__.py",
    "wit_world/imports/__init__.py",
    "wit_world/imports/types.py",
    "wit_world/imports/counter.py",
)


def lay_out(folder: pathlib.Path, export: str) -> None:
    """A folder that componentize-py reads: one world, with all packages beside it."""
    lines = [f"  import {name};" for name in IMPORTS] + [f"  export witgate:{export}@0.1.0;"]
    world = "package witgate:plugin;\n\nworld plugin {\n" + "\n".join(lines) + "\n}\n"
    (folder / "deps").mkdir()
    (folder / "world.wit").write_text(world)
    for package in [*WIT.glob("*@*"), *(WIT / "deps").iterdir()]:
        shutil.copytree(package, folder / "deps" / package.name)


def copy(source: pathlib.Path, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = [line.rstrip() for line in source.read_text().splitlines()]
    target.write_text("\n".join(lines).rstrip("\n") + "\n" if lines else "")


def main() -> None:
    for kind, export in KINDS.items():
        with tempfile.TemporaryDirectory() as work:
            wit, out = pathlib.Path(work, "wit"), pathlib.Path(work, "out")
            wit.mkdir()
            lay_out(wit, export)
            command = ["componentize-py", "-q", "-d", str(wit), "-w", "plugin", "bindings", str(out)]
            subprocess.run(command, check=True)
            for name in COMMON:
                copy(out / name, SDK / "template" / "common" / "stubs" / name)
            for source in (out / "wit_world" / "exports").iterdir():
                copy(source, SDK / "template" / kind / "stubs" / "wit_world" / "exports" / source.name)


if __name__ == "__main__":
    main()
