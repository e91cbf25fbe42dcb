"""One file for each tool that is compared: `Tool`, used as the tool's documentation recommends.

Every `Tool` has the same four verbs; what pip installs for it is in `environments`:

    Tool(model)      loads the embedding model from a folder
    build(folder, passages, vectors)
                     indexes pairs of `passage_id` and text, and keeps the index in a folder;
                     `vectors` are the embeddings, a row for each, or None: then it embeds
    open(folder)     opens that index in another process
    search(question, k)
                     the ids and texts of the `k` best passages, best first

They run where Dateline's own dependencies are not installed, so they import nothing of it.
"""
