"""A `text` of its own is none of SQL's."""


def text(row, name):
    return str(row[name])


def read(row):
    return text(row, "name"), row.text(), row.connection_name
