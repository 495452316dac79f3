"""The tables of a journal, in words that SQLite and PostgreSQL share but for `without rowid`."""

SCHEMA = """
create table if not exists meta (name text primary key, value text not null) without rowid;
create table if not exists tasks (task_id text primary key, digest text not null) without rowid;
create table if not exists cells (
    task_id text not null, action text not null, sample_index bigint not null, upstream text not null,
    phase text not null, value double precision not null, held bigint not null,
    state text not null default 'open', owner text,
    tries bigint not null default 0, nanodollars bigint not null default 0, input_tokens bigint,
    output_tokens bigint, seconds double precision, chain text, error text, asked_at double precision,
    answered_at double precision,
    primary key (task_id, action, sample_index)) without rowid;
create index if not exists cells_open on cells (upstream, value desc) where state = 'open';
create index if not exists cells_asked on cells (owner) where state = 'asked';
create table if not exists verdicts (
    task_id text not null, action text not null, sample_index bigint not null, depth bigint not null,
    success double precision, score double precision, detail text not null,
    primary key (task_id, action, sample_index, depth)) without rowid;
create table if not exists checked (
    task_id text not null, action text not null, sample_index bigint not null, digest text not null,
    primary key (task_id, action, sample_index)) without rowid;
create table if not exists money (id bigint primary key check (id = 0), spent bigint not null, held bigint not null);
insert into money values (0, 0, 0) on conflict do nothing;
"""
