-- What runs did, the rows to learn from, what operators were told, and labelled verdicts of judges.
create table runs (
    id text primary key, team text not null, key_id text not null, created_at double precision not null,
    finish_reason text, model text, score double precision, nanodollars bigint, seconds double precision,
    trace text not null
);
create index runs_by_time on runs (created_at);
create index runs_by_team on runs (team, created_at);
create table outcomes (
    id bigint generated always as identity primary key, run_id text not null, created_at double precision not null,
    action text not null, propensity double precision, success double precision, score double precision,
    output_tokens bigint, seconds double precision, "row" text not null
);
create index outcomes_by_run on outcomes (run_id);
create index outcomes_by_time on outcomes (created_at);
create table notices (
    scope text not null, id text not null, window_start bigint not null, event text not null,
    claimed_at double precision not null, told_at double precision, primary key (scope, id, window_start, event)
);
create table judge_labels (
    judge text not null, version text not null, kind text not null, place integer not null, truth integer not null,
    source text not null, labels double precision not null,
    primary key (judge, version, kind, place, truth, source)
);
