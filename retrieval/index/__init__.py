"""The index: its protocol; FAISS in a folder; how it is built and kept up to date."""
