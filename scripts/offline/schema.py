"""The tables of a journal."""

SCHEMA = """
create table if not exists meta (name text primary key, value text not null) without rowid;
create table if not exists tasks (task_id text primary key, digest text not null) without rowid;
create table if not exists cells (
    task_id text not null, action text not null, sample_index integer not null, upstream text not null,
    phase text not null, value real not null, held integer not null, state text not null default 'open', owner text,
    tries integer not null default 0, nanodollars integer not null default 0, input_tokens integer,
    output_tokens integer, seconds real, chain text, error text, asked_at real, answered_at real,
    primary key (task_id, action, sample_index)) without rowid;
create index if not exists cells_open on cells (upstream, value desc) where state = 'open';
create index if not exists cells_asked on cells (owner) where state = 'asked';
create table if not exists verdicts (
    task_id text not null, action text not null, sample_index integer not null, depth integer not null,
    success real, score real, detail text not null,
    primary key (task_id, action, sample_index, depth)) without rowid;
create table if not exists checked (
    task_id text not null, action text not null, sample_index integer not null, digest text not null,
    primary key (task_id, action, sample_index)) without rowid;
create table if not exists money (id integer primary key check (id = 0), spent integer not null, held integer not null);
insert or ignore into money values (0, 0, 0);
"""
