-- Lines of money, counters per window, budgets, and the processes that hold lines. Money in nanodollars, times in unix
-- seconds by the database's clock. `is_presumed`: charged at worst case because its holder fell silent; the true charge,
-- should it come after all, takes its place.
create table lines (
    attempt_id text primary key, reservation_id text not null, run_id text not null,
    team text not null, key_id text not null, model text not null, purpose text not null, technique text not null,
    state text not null, held bigint not null, nanodollars bigint,
    input_tokens bigint, output_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint,
    reasoning_tokens bigint, audio_input_tokens bigint, audio_output_tokens bigint,
    image_input_tokens bigint, image_output_tokens bigint,
    is_estimated integer not null default 0, is_presumed boolean not null default false,
    seconds double precision, price text, owner text not null,
    reserved_at double precision not null, settled_at double precision, team_window bigint, key_window bigint
) with (fillfactor = 70);
create index open_lines on lines (owner) where state = 'open';
create index lines_by_time on lines (settled_at) where state = 'settled';
create index lines_by_run on lines (run_id);
create table counters (
    scope text collate "C" not null, id text collate "C" not null, window_start bigint not null,
    spent bigint not null default 0, reserved bigint not null default 0,
    primary key (scope, id, window_start)
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create table budgets (
    scope text not null, id text not null, "window" text not null, nanodollars bigint, soft_limit double precision,
    primary key (scope, id)
);
create table owners (id text primary key, epoch bigint not null, alive_at double precision not null);
create table archive (
    day text not null, team text not null, key_id text not null, model text not null, purpose text not null,
    technique text not null, team_window bigint, key_window bigint, calls bigint not null,
    input_tokens bigint not null, output_tokens bigint not null, nanodollars bigint not null,
    estimated_calls bigint not null
);
create index archive_by_day on archive (day);
