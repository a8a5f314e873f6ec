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

# What a plugin may import.
IMPORTS = (
    "witgate:counter/counter@0.1.0",
    "wasi:config/store@0.2.0-rc.1",
    "wasi:http/outgoing-handler@0.2.12",
    "wasi:keyvalue/store@0.2.0-draft",
    "wasi:keyvalue/atomics@0.2.0-draft",
    "wasi:logging/logging@0.1.0-draft",
)

# As in language.toml.
NAMES = (
    "witgate:types/types@0.1.0=types",
    "wasi:http/types@0.2.12=http_types",
    "wasi:keyvalue/store@0.2.0-draft=keyvalue",
    "wasi:config/store@0.2.0-rc.1=config",
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
            names = [argument for name in NAMES for argument in ("--import-interface-name", name)]
            command = ["componentize-py", "-q", "-d", str(wit), "-w", "plugin", *names, "bindings", str(out)]
            subprocess.run(command, check=True)
            for source in out.rglob("*.py"):
                name = source.relative_to(out)
                if name.parts[0] not in ("wit_world", "componentize_py_types.py"):
                    continue
                part = kind if "exports" in name.parts else "common"
                copy(source, SDK / "template" / part / "stubs" / name)


if __name__ == "__main__":
    main()
