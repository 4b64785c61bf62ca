"""Files of Azure Blob Storage."""

from headwater.connectors.azure_blob.config import AzureBlobConfig
from headwater.connectors.azure_blob.connector import open_azure_blob
from headwater.connectors.protocol import Kind

kind = Kind(
    name="azure_blob",
    title="Files in Azure Blob Storage",
    config=AzureBlobConfig,
    open=open_azure_blob,
    chunks=("files",),
    cursor=False,
    reads_by="obstore: the REST interface of Azure Blob Storage",
    proven_against=("Azurite 3.37",),
    unproven="Azure itself: none can be reached from the tests; Entra ID is not supported",
    needs="headwater[azure]",
)
