"""The module is built against one torch; another one has other symbols and would crash."""

import importlib.metadata
import re


def built_for() -> str:
    """torch's version at build time."""
    from noisescope import _version

    return str(_version.TORCH)


def release(version: str) -> str:
    match = re.match(r"\d+\.\d+", version)
    return match.group() if match else version


def require() -> None:
    """Imports torch, after a look at its version. Raises ImportError that says what to install."""
    wanted = built_for()
    try:
        found = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(f"noisescope needs torch {wanted}, which is not installed: pip install torch=={wanted}") \
            from None
    if release(found) != release(wanted):
        raise ImportError(f"noisescope was built for torch {wanted}, got torch {found}: "
                          f"pip install torch=={wanted}, or build noisescope again with this one")
    import torch  # noqa: F401  loads the libraries that the module links to
