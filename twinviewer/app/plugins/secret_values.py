"""Secrets of plugins: kept in the system's keyring, and kept out of every text.

The keyring is the only place that they are written to.  Where a machine has none, or to override it, the
environment variable ``TWINVIEWER_SECRET_<PLUGIN>_<KEY>`` holds one.  Every secret that was read or entered is known
here for as long as the program runs, so that :func:`without_secrets` can take it out of texts on their way to a log.
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
import urllib.parse

from twinviewer.model.errors import PluginError

ENVIRONMENT_PREFIX = "TWINVIEWER_SECRET_"
HIDDEN = "•••"
SHORTEST = 4
"""Shorter ones are not taken out of texts: whatever has their few letters in it would become unreadable."""

_lock = threading.Lock()
_known: set[str] = set()
_pattern: re.Pattern[str] | None = None


def environment_name(plugin_id: str, key: str) -> str:
    """Return the name of the environment variable that holds a plugin's secret."""
    return ENVIRONMENT_PREFIX + f"{plugin_id}_{key}".replace("-", "_").upper()


def read_secret(plugin_id: str, key: str) -> str | None:
    """Return a secret from the environment or the keyring, or None where it was never entered.

    May take long: a keyring may ask the person to unlock it.

    Raises:
        PluginError: The keyring is there and does not give it away.
    """
    secret = os.environ.get(environment_name(plugin_id, key))
    if secret is None:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError

        try:
            secret = keyring.get_password(_service(plugin_id), key)
        except NoKeyringError:
            return None
        except KeyringError as error:
            raise _refused(plugin_id, key, error) from None
    if secret is not None:
        know(secret)
    return secret


def write_secret(plugin_id: str, key: str, secret: str) -> None:
    """Put a secret into the keyring.

    Raises:
        PluginError: There is no keyring, or it does not take it.
    """
    import keyring
    from keyring.errors import KeyringError, NoKeyringError

    know(secret)
    try:
        keyring.set_password(_service(plugin_id), key, secret)
    except NoKeyringError:
        raise PluginError(
            "This machine has no keyring that could keep the secret, and it is written nowhere else.",
            cure=f"Set up the system's keyring, or give the secret in the environment variable "
            f"{environment_name(plugin_id, key)} when the program starts.",
            source=plugin_id,
        ) from None
    except KeyringError as error:
        raise _refused(plugin_id, key, error) from None


def forget_secret(plugin_id: str, key: str) -> None:
    """Remove a secret from the keyring; nothing happens where there is none.

    Raises:
        PluginError: The keyring does not let go of it.
    """
    import keyring
    from keyring.errors import KeyringError, NoKeyringError

    try:
        if keyring.get_password(_service(plugin_id), key) is not None:
            keyring.delete_password(_service(plugin_id), key)
    except NoKeyringError:
        return
    except KeyringError as error:
        raise _refused(plugin_id, key, error) from None


def know(secret: str) -> None:
    """Have :func:`without_secrets` take ``secret`` out of texts from now on."""
    global _pattern
    if len(secret) < SHORTEST:
        return
    with _lock:
        if secret in _known:
            return
        _known.add(secret)
        forms = sorted({form for known in _known for form in _forms(known)}, key=len, reverse=True)
        _pattern = re.compile("|".join(map(re.escape, forms)))


def without_secrets(text: str) -> str:
    """Return ``text`` with every known secret replaced, plain and as it stands in addresses, JSON and headers."""
    return text if _pattern is None else _pattern.sub(HIDDEN, text)


def _forms(secret: str) -> tuple[str, ...]:
    return (
        secret,
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    )


def _service(plugin_id: str) -> str:
    return f"twinviewer:{plugin_id}"


def _refused(plugin_id: str, key: str, error: Exception) -> PluginError:
    return PluginError(
        f"The keyring does not give access to the secret “{key}” ({type(error).__name__}).",
        cure="Unlock the system's keyring and try again, or give the secret in the environment variable "
        f"{environment_name(plugin_id, key)}.",
        source=plugin_id,
    )
