"""Files beside the database: where they are kept, what they are, how pictures are drawn anew. Knows no rows."""

from tenant.files.contents import Prepared, prepared
from tenant.files.store import FileGone, Store, Stored, StoreDown, new_key, open_store

__all__ = ["FileGone", "Prepared", "Store", "StoreDown", "Stored", "new_key", "open_store", "prepared"]
