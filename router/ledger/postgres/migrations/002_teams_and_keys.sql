-- Who may spend, and the audit log of who said so.
create table teams (id text primary key, created_at double precision not null, defaults text not null);
create table keys (
    id text primary key, hash text not null unique, team text not null, name text not null default '',
    created_at double precision not null, expires_at double precision, revoked_at double precision, scopes text not null
);
create table audit (
    number bigint generated always as identity primary key, at double precision not null, actor text not null,
    act text not null, subject text, detail text
);
create index audit_by_time on audit (at);
