"""Every failure the monitor reports, each with the value that was wrong and the remedy.

The tree::

    MonitorError                 exit 1
    |-- ConfigError              exit 2  the settings file, or a rule in it
    |-- UsageError               exit 2  a command asked for something that does not exist
    |-- StoreError               exit 1  the database
    |   |-- DatabaseLocked               another process writes to it
    |   |-- DatabaseTooNew               written by newer code than this
    |   `-- DatabaseMissing              nothing there to read
    |-- AmountError              exit 1  a number that is no exact decimal
    |-- ImportRejected           exit 1  an events or prices file with unreadable rows
    |-- VenueError               exit 1  an exchange, see monitor.exchanges.errors for what is done about it
    |   |-- VenueUnavailable             network, time-out, maintenance, an implausible body: try again
    |   |   `-- AnswerUnreadable         ccxt stumbled over the body: it is kept, nothing is proven
    |   |-- RateLimited                  the venue asks to slow down: every account there waits
    |   |-- CredentialsRefused   exit 5  key, secret or permission
    |   |   `-- AccessBlocked    exit 5  HTTP 403, 404 or 451: the third one pauses the account
    |   |-- ClockSkew                    our clock and the venue's disagree
    |   |-- MarketUnknown                the venue no longer knows the symbol
    |   |-- CallRejected                 the venue or ccxt does not support this call
    |   `-- ForbiddenCall                something that is not read-only was about to be sent
    `-- DeliveryError            exit 1  a message that did not leave

Bad *data* is never an exception: it is a `monitor.records.Finding`, returned and stored.
"""

from __future__ import annotations


class MonitorError(Exception):
    """A failure with a remedy; `str(error)` is the sentence a person reads."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        """`message` names what failed and the value; `remedy` says what to do about it."""
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class ConfigError(MonitorError):
    """The settings file, or something it names, cannot be used."""

    exit_code = 2


class UsageError(MonitorError):
    """A command was asked for an asset, account or window that does not exist."""

    exit_code = 2


class StoreError(MonitorError):
    """The database cannot be read or written."""


class DatabaseLocked(StoreError):
    """Another process holds the write lock; the message names it."""


class DatabaseTooNew(StoreError):
    """The database was written by a newer version than this one."""


class DatabaseMissing(StoreError):
    """There is no database at the path."""


class AmountError(MonitorError):
    """A text that is not a finite decimal number."""


class ImportRejected(MonitorError):
    """An events or prices file has rows that cannot be read; nothing of it was stored."""


class VenueError(MonitorError):
    """An exchange did not give what was asked for; `raw` is its own answer, without secrets, empty if there is none."""

    raw = ""


class VenueUnavailable(VenueError):
    """Network, time-out, maintenance or an implausible body: the same call may work later."""


class AnswerUnreadable(VenueUnavailable):
    """Ccxt's parser failed on an answer; it is kept, and its window stays unproven."""


class RateLimited(VenueError):
    """The venue asks to slow down; `retry_after_seconds` is what it asked for, null if it did not say."""

    def __init__(self, message: str, remedy: str = "", retry_after_seconds: float | None = None) -> None:
        """Keep the venue's own waiting time beside the message."""
        super().__init__(message, remedy)
        self.retry_after_seconds = retry_after_seconds


class CredentialsRefused(VenueError):
    """Key, secret, permission or address was refused by the venue."""

    exit_code = 5


class AccessBlocked(CredentialsRefused):
    """HTTP 403, 404 or 451: a firewall, a country, an address that is gone; only the third one pauses the account."""


class ClockSkew(VenueError):
    """The venue rejects our timestamps or nonces."""


class MarketUnknown(VenueError):
    """The venue does not know the symbol (any more)."""


class CallRejected(VenueError):
    """The venue or ccxt does not support this call or these arguments."""


class ForbiddenCall(VenueError):
    """A request that is not on the read-only allowlist was stopped before a socket opened."""


class DeliveryError(MonitorError):
    """A message did not leave; it stays in the outbox."""
