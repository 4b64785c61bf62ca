"""Files of a folder of this machine, or one that it has mounted."""

from headwater.connectors.folder.config import FolderConfig
from headwater.connectors.folder.connector import Folder
from headwater.connectors.protocol import Kind

kind = Kind(
    name="folder",
    title="Files in a folder",
    config=FolderConfig,
    open=Folder,
    chunks=("files",),
    cursor=False,
    reads_by="the file system",
    proven_against=("Linux",),
    unproven="file systems other than those that tests run on; folders mounted over a network",
)
