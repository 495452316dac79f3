"""The tables of the document store."""

TABLES = """
CREATE TABLE IF NOT EXISTS files (
    id TEXT PRIMARY KEY, team TEXT NOT NULL, name TEXT NOT NULL, purpose TEXT NOT NULL, size INTEGER NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER, labels TEXT NOT NULL, content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS files_by_team ON files (team, created_at);
CREATE INDEX IF NOT EXISTS files_by_end ON files (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS stores (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, team TEXT NOT NULL, name TEXT NOT NULL,
    created_at INTEGER NOT NULL, last_active_at INTEGER NOT NULL, metadata TEXT NOT NULL, expire_days INTEGER,
    removals INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS stores_by_team ON stores (team, created_at);
CREATE TABLE IF NOT EXISTS entries (
    store INTEGER NOT NULL REFERENCES stores (number) ON DELETE CASCADE,
    file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    status TEXT NOT NULL, created_at INTEGER NOT NULL, attributes TEXT NOT NULL, chunking TEXT NOT NULL,
    usage_bytes INTEGER NOT NULL DEFAULT 0, error_code TEXT, error TEXT, batch TEXT, owner TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (store, file)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_file ON entries (file);
CREATE INDEX IF NOT EXISTS entries_by_batch ON entries (batch);
CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY, store INTEGER NOT NULL REFERENCES stores (number) ON DELETE CASCADE,
    created_at INTEGER NOT NULL, cancelled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, store INTEGER NOT NULL, file TEXT NOT NULL, position INTEGER NOT NULL,
    heading TEXT NOT NULL, text TEXT NOT NULL, vector BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS chunks_by_file ON chunks (store, file, position);
CREATE INDEX IF NOT EXISTS chunks_by_store ON chunks (store, id);
"""
"""Chunks of one store are found by an FTS5 table of its own, so that no store's words weigh in another's ranking."""

WORDS = (
    "CREATE VIRTUAL TABLE words_{number} USING fts5 (heading, text, content='', tokenize='porter unicode61 "
    "remove_diacritics 2')"
)
TERMS = "CREATE VIRTUAL TABLE terms_{number} USING fts5vocab (words_{number}, row)"
