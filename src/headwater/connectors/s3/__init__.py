"""Files of S3 and what speaks its language."""

from headwater.connectors.protocol import Kind
from headwater.connectors.s3.config import S3Config
from headwater.connectors.s3.connector import open_s3

kind = Kind(
    name="s3",
    title="Files in S3 and compatible stores",
    config=S3Config,
    open=open_s3,
    chunks=("files",),
    cursor=False,
    proven_against=("SeaweedFS 4.48",),
    needs="headwater[s3]",
)
