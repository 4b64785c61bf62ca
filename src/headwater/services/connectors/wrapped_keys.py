"""Keys that a key management service has encrypted: it is asked to decrypt each when it is needed, once a process.

AWS KMS and what speaks its language. Its library finds the login as any program of AWS's does: variables, a profile,
the role of the machine. Another address is said by AWS_ENDPOINT_URL_KMS.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from headwater.errors import HeadwaterError, Misuse, RetryLater
from headwater.extras import how_to_install
from headwater.settings import KEY_BYTES

WHERE = "HEADWATER_CREDENTIALS_KEYS"
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 10, 2
_PASSES = {"ThrottlingException", "KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"}
_REMEDIES = {
    "AccessDeniedException": "Give this login the right kms:Decrypt on the key",
    "DisabledException": "Enable the key, or name another first",
    "KMSInvalidStateException": "Look at the state of the key: is it to be deleted?",
    "NotFoundException": "Look at the key's ARN, and at the account and region it is in",
    "IncorrectKeyException": "This was encrypted by another key: name that one",
    "InvalidCiphertextException": "Copy what KMS gave once more, whole",
}


@cache
def unwrapped(arn: str, ciphertext: str) -> bytes:
    """The key that was encrypted by the key of this ARN. RetryLater where the service does not answer."""
    boto3 = _library()
    from botocore.config import Config  # noqa: PLC0415 - comes with boto3, which is optional
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: PLC0415, A004

    limits = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    try:
        client = boto3.session.Session().client("kms", region_name=arn.split(":")[3], config=limits)
        key = bytes(client.decrypt(CiphertextBlob=base64.b64decode(ciphertext), KeyId=arn)["Plaintext"])
    except ClientError as error:
        raise _refused(str(error.response.get("Error", {}).get("Code", "")), arn) from None
    except (ConnectionError, HTTPClientError):  # no connection, no answer in time
        raise RetryLater("KMS does not answer", where=WHERE, value=arn) from None
    except BotoCoreError as error:
        raise Misuse(f"KMS cannot be asked: {error}", where=WHERE, value=arn) from None
    if len(key) != KEY_BYTES:
        raise Misuse("what KMS decrypted is no key", where=WHERE, value=arn, valid=f"{KEY_BYTES} bytes")
    return key


def _refused(code: str, arn: str) -> HeadwaterError:
    kind = RetryLater if code in _PASSES or not code else Misuse
    return kind(
        f"KMS does not decrypt the key: {code or 'no reason'}", where=WHERE, value=arn, remedy=_REMEDIES.get(code)
    )


def _library() -> Any:
    try:
        import boto3  # noqa: PLC0415 - optional
    except ImportError:
        raise Misuse("the library for AWS KMS is not installed", where=WHERE, remedy=how_to_install("kms")) from None
    return boto3
