"""The index in Milvus: where it is, how it is filled, how it is searched."""
