"""Log text -> batches of records: two readers under one contract."""

from trailstream.decode.cloudtrail.batches import batch_of_one
from trailstream.decode.cloudtrail.layouts import Layout, record_in
from trailstream.decode.cloudtrail.reader import RecordReader

__all__ = ["Layout", "RecordReader", "batch_of_one", "record_in"]
