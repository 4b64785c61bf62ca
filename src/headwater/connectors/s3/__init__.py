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
    reads_by="obstore: the protocol of S3",
    proven_against=("SeaweedFS 4.48",),
    unproven="Amazon S3: none can be reached from the tests; addresses with the bucket in the host's name are tested as"
    " texts only",
    needs="headwater[s3]",
)
