-- Runs and batches that outlive their requests, what was told of them, the webhooks still to be sent; named
-- configurations of teams in all their versions; late words on answers. Columns as in the embedded ledger.
create table tickets (
    id text primary key, kind text not null, team text not null, key_id text not null,
    created_at double precision not null, expires_at double precision not null, status text not null,
    owner text not null, request text, caller text not null, shown text not null, cancel_at double precision,
    tries integer not null, once text, fingerprint text
);
create unique index tickets_once on tickets (kind, team, key_id, once) where once is not null;
create index tickets_by_team on tickets (kind, team, created_at);
create index tickets_by_expiry on tickets (expires_at);
create index open_tickets on tickets (owner) where status = 'open';
create table ticket_log (
    ticket_id text not null, number integer not null, at double precision not null, kind text not null,
    data text not null, primary key (ticket_id, number)
);
create table hooks (
    id text primary key, url text not null, secret text not null, event text not null, data text not null,
    tries integer not null, due_at double precision not null
);
create table configs (
    kind text not null, team text not null, name text not null, version integer not null, said text not null,
    created_at double precision not null, actor text not null, primary key (kind, team, name, version)
);
create table feedback (
    id text primary key, run_id text not null, team text not null, key_id text not null,
    created_at double precision not null, said text not null
);
create index feedback_by_run on feedback (run_id, created_at);
