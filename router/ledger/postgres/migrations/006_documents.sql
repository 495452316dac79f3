-- Files, vector stores and their chunks, with columns as in the embedded store. `words` is the index of words: each
-- lexeme begins with its store's number, so that a look-up touches one store only. Text comes as words between spaces.
create sequence store_numbers;
create sequence chunk_ids;
create table files (
    id text primary key, rowid bigint generated always as identity, team text not null, name text not null,
    purpose text not null, size bigint not null, created_at bigint not null, expires_at bigint, labels text not null,
    content bytea not null
);
alter table files alter column content set storage external;
create index files_by_team on files (team, created_at);
create index files_by_expiry on files (expires_at) where expires_at is not null;
create table stores (
    number bigint primary key default nextval('store_numbers'), id text unique not null, team text not null,
    name text not null, created_at bigint not null, last_active_at bigint not null, metadata text not null,
    expire_days integer, removals bigint not null default 0,
    chunk_count bigint not null default 0, word_count bigint not null default 0
);
create index stores_by_team on stores (team, created_at);
create table entries (
    store bigint not null references stores (number) on delete cascade,
    file text not null references files (id) on delete cascade,
    status text not null, created_at bigint not null, attributes text not null, chunking text not null,
    usage_bytes bigint not null default 0, error_code text, error text, batch text, owner text not null default '',
    primary key (store, file)
);
create index entries_by_file on entries (file);
create index entries_by_batch on entries (batch);
create index open_entries on entries (owner) where status = 'in_progress';
create table batches (
    id text primary key, store bigint not null references stores (number) on delete cascade,
    created_at bigint not null, cancelled integer not null default 0
);
create table chunks (
    id bigint primary key default nextval('chunk_ids'), store bigint not null, file text not null,
    position integer not null, heading text not null, text text not null, vector bytea not null
);
create index chunks_by_file on chunks (store, file, position);
create index chunks_by_id on chunks (store, id);
create table words (
    id bigint primary key references chunks (id) on delete cascade, length integer not null, lexemes tsvector not null
);
create index words_by_lexeme on words using gin (lexemes);

create text search dictionary maestro_stem (template = pg_catalog.snowball, language = english);
create text search configuration maestro_stemmed (copy = pg_catalog.simple);
alter text search configuration maestro_stemmed alter mapping for asciiword, word, numword, asciihword, hword, numhword,
    hword_asciipart, hword_part, hword_numpart with maestro_stem;

create function maestro_lexemes(p_store bigint, p_heading text, p_text text) returns tsvector language sql stable as $$
    select coalesce(string_agg(quote_literal(p_store || ':' || lexeme) || ':' || (
        select string_agg(place || weight, ',') from unnest(positions, weights) as x(place, weight)), ' '), '')::tsvector
    from unnest(setweight(to_tsvector('maestro_stemmed', p_heading), 'A') || to_tsvector('maestro_stemmed', p_text))
$$;

-- All lexemes of a text, or any of them, as a query over one store.
create function maestro_query(p_store bigint, p_text text, p_between text) returns tsquery language sql stable as $$
    select string_agg(quote_literal(lexeme), p_between)::tsquery from unnest(maestro_lexemes(p_store, '', p_text))
$$;
