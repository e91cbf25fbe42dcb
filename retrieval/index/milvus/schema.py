"""What the collections in Milvus are made of: their fields, and what they are searched by."""

from collections.abc import Collection as Names
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymilvus import CollectionSchema, DataType
    from pymilvus.milvus_client import IndexParams

TABLES = ("files", "articles", "passages")
_BYTES = 65_535  # what a text in Milvus may have
MAX_TEXT = 16_000  # code points: at most as many bytes
MAX_STEMS = 4_096  # what an array in Milvus may have
NO_VECTOR = {"nothing": [0.0, 0.0]}
"""In each row of a collection that has none to search by; Milvus wants one."""

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection and its indexes, which may be dropped, and others made, while it is in use."""

    name: str
    fields: Mapping[str, "tuple[DataType, Options]"]
    indexes: Mapping[str, Options]

    def schema(self) -> "CollectionSchema":
        """As Milvus wants it, with a key."""
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("pk", DataType.VARCHAR, is_primary=True, max_length=128)
        for field, (kind, options) in self.fields.items():
            schema.add_field(field, kind, **options)
        return schema

    def indexes_besides(self, there: Names[str]) -> "IndexParams":
        """Its indexes but for those that are there already."""
        from pymilvus import MilvusClient

        parameters = MilvusClient.prepare_index_params()
        for field, options in self.indexes.items():
            if field not in there:
                metric = {} if options["index_type"] == "INVERTED" else {"metric_type": "IP"}
                parameters.add_index(field, index_name=field, **metric, **options)
        return parameters


def notes(name: str) -> Collection:
    """The one that holds the state."""
    from pymilvus import DataType

    return _without_vector(
        name,
        {
            "kind": (DataType.VARCHAR, {"max_length": 16}),
            "generation": (DataType.INT64, {}),
            "data": (DataType.VARCHAR, {"max_length": _BYTES}),
        },
    )


def tables(dimensions: int, *, is_lite: bool, is_file: bool) -> list[Collection]:
    """The ones that hold rows, in the order of `TABLES`, each by the name of its table.

    Args:
        dimensions: of the embeddings.
        is_lite: whether milvus-lite holds them, also behind an address.
        is_file: whether it does so in this process.
    """
    from pymilvus import DataType

    key = (DataType.VARCHAR, {"max_length": 32})
    number: tuple[DataType, Options] = (DataType.INT64, {})
    text = (DataType.VARCHAR, {"max_length": _BYTES})
    searched = {
        "article": key,  # stands for its id
        "place": (DataType.VARCHAR, {"max_length": 2_048}),  # in order: its id
        "since": number,
        "until": number,
        "first_day": number,  # of what its date can mean, as days since the year 1
        "last_day": number,
        "source": key,
        "length": number,  # in stems
        "words": (DataType.SPARSE_FLOAT_VECTOR, {}),
        "stems": (DataType.ARRAY, {"element_type": DataType.INT64, "max_capacity": MAX_STEMS}),
    }
    dense = (
        {"index_type": "FLAT"}
        if is_lite  # whose graph finds too little behind a filter
        else {"index_type": "HNSW", "params": {"M": 32, "efConstruction": 256}}
    )
    sparse = {"words": {"index_type": "SPARSE_INVERTED_INDEX"}}

    def inverted(*fields: str) -> dict[str, Options]:
        if is_file:  # which is small: they take longer to make than they save
            return {}
        stems = [] if is_lite else ["stems"]  # milvus-lite has none for arrays
        common = ("article", "since", "until", "first_day", "last_day", "source", *stems)
        return {field: {"index_type": "INVERTED"} for field in (*common, *fields)}

    files = {"hash": number, "troubled": (DataType.BOOL, {}), "data": text}
    articles = {
        **searched,
        "address": key,  # equal for articles that may be versions of one
        "headline": key,
        "alike": (DataType.BOOL, {}),  # whether some other has been seen that is so
        "key": key,  # what buttons call it
        "file": key,
        "path": (DataType.VARCHAR, {"max_length": 4_096}),
        "content": key,  # equal where embeddings are
        "passages": number,
        "part": number,  # a long article has several rows; this is the first one when 0
        "parts": number,
        "body": text,
    }
    passages = {
        **searched,
        "digest": key,  # the key of its article's row
        "ordinal": number,
        "embedding": (DataType.FLOAT_VECTOR, {"dim": max(2, dimensions)}),
    }
    found_by = ("key", "file", "content", "address", "headline", "alike")
    return [
        _without_vector("files", files),
        Collection("articles", articles, sparse | inverted(*found_by)),
        Collection("passages", passages, {"embedding": dense} | sparse | inverted("digest")),
    ]


def _without_vector(name: str, fields: Mapping[str, "tuple[DataType, Options]"]) -> Collection:
    from pymilvus import DataType

    nothing = {"nothing": (DataType.FLOAT_VECTOR, {"dim": len(NO_VECTOR["nothing"])})}
    return Collection(name, {**fields, **nothing}, {"nothing": {"index_type": "FLAT"}})
