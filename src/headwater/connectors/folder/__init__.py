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
    proven_against=("Linux, ext4",),
)
