-- Moves of money, each one statement and so one transaction: no round trip while a row is locked.
-- Locks are always taken in this order: the owner's advisory lock, the table `lines`, counters by (scope, id, window).
create function maestro_now(p_now double precision) returns double precision language sql volatile as $$
    select coalesce(p_now, extract(epoch from clock_timestamp())::double precision)
$$;

create function maestro_window_start(p_window text, p_now double precision) returns bigint language sql immutable as $$
    select case when coalesce(p_window, 'total') = 'total' then 0
        else extract(epoch from date_trunc(p_window, to_timestamp(p_now) at time zone 'UTC'))::bigint end
$$;

-- A worker says that it is there, and begins a new epoch: batches of an older connection of it are refused from now on.
create function maestro_enter(p_owner text, p_now double precision) returns bigint language plpgsql as $$
declare v_epoch bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_owner, 7));
    insert into owners as o values (p_owner, 1, maestro_now(p_now))
        on conflict (id) do update set epoch = o.epoch + 1, alive_at = maestro_now(p_now) returning epoch into v_epoch;
    return v_epoch;
end $$;

-- Moves these sums between counters: rows {s scope, n id, w window start, sp spent, re reserved}.
create function maestro_move(p_moves json) returns void language sql as $$
    update counters c set spent = c.spent + m.sp, reserved = c.reserved + m.re
    from (select s, n, w, sum(sp)::bigint as sp, sum(re)::bigint as re
          from json_to_recordset(p_moves) as x(s text, n text, w bigint, sp bigint, re bigint) group by s, n, w) m
    where c.scope = m.s and c.id = m.n and c.window_start = m.w
$$;

-- One batch of a worker: {scopes [{x, s, n}], adopt [...], settle [...], release [attempt ids],
-- reserve [{i, t, k, need}], lines [...]}; t and k number the scopes (from 1; 0 = none). Answers
-- {now, scopes [[window, limit, soft limit, spent, reserved, start]], refused [[i, scope, spent, reserved]]}.
-- The plans are kept by each session, made while tables may be small: only look-ups by index stay right as they grow.
create function maestro_apply(p_owner text, p_epoch bigint, p_now double precision, p_batch json)
returns json language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_now double precision := maestro_now(p_now);
    v_moves json;
    v_scope text[]; v_id text[]; v_window text[]; v_limit bigint[]; v_soft double precision[]; v_start bigint[];
    v_spent bigint[]; v_reserved bigint[]; v_added bigint[];
    v_taken boolean[] := '{}';
    v_refused jsonb := '[]';
    v_place integer;
    r record;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_owner, 7));
    if not exists (select 1 from owners where id = p_owner and epoch = p_epoch) then
        raise exception 'the epoch of this worker has ended' using errcode = 'MA001';
    end if;
    lock table lines in row exclusive mode;
    select array_agg(x.s order by x.x), array_agg(x.n order by x.x), array_agg(coalesce(b."window", 'total') order by x.x),
           array_agg(b.nanodollars order by x.x), array_agg(b.soft_limit order by x.x),
           array_agg(maestro_window_start(b."window", v_now) order by x.x)
        into v_scope, v_id, v_window, v_limit, v_soft, v_start
        from json_to_recordset(p_batch->'scopes') as x(x integer, s text, n text)
        left join budgets b on b.scope = x.s and b.id = x.n;
    with adopted as (
        insert into lines (attempt_id, reservation_id, run_id, team, key_id, model, purpose, technique, state, held,
                           owner, reserved_at, team_window, key_window)
        select a.a, a.r, a.run, a.team, a.key, a.m, a.p, a.q, 'open', a.h, p_owner, v_now,
               case when a.t > 0 then v_start[a.t] end, case when a.k > 0 then v_start[a.k] end
        from json_to_recordset(p_batch->'adopt')
            as a(a text, r text, run text, team text, key text, m text, p text, q text, h bigint, t integer, k integer)
        on conflict (attempt_id) do nothing returning team, key_id, team_window, key_window, held
    ), moved as (
        select team, key_id, team_window, key_window, 0::bigint as spent, held as reserved from adopted
    )
    select json_agg(m) into v_moves from (
        select 'team' as s, team as n, team_window as w, spent as sp, reserved as re from moved where team_window is not null
        union all select 'key', key_id, key_window, spent, reserved from moved where key_window is not null
    ) m;
    insert into counters (scope, id, window_start)
        select s, n, w from (select unnest(v_scope) as s, unnest(v_id) as n, unnest(v_start) as w) x
        where not exists (select 1 from counters c where c.scope = s and c.id = n and c.window_start = w)
        order by s collate "C", n collate "C", w on conflict do nothing;
    with said as (
        select * from json_to_recordset(p_batch->'settle')
            as s(a text, n bigint, u bigint[], e integer, s double precision, p text)
    ), old as (
        select l.attempt_id, l.team, l.key_id, l.team_window, l.key_window, l.state, l.held, l.nanodollars
        from lines l join said on said.a = l.attempt_id where l.state = 'open' or l.is_presumed
    ), settled as (
        update lines l set state = 'settled', is_presumed = false, nanodollars = s.n, input_tokens = s.u[1],
            output_tokens = s.u[2], cached_input_tokens = s.u[3], cache_write_tokens = s.u[4],
            reasoning_tokens = s.u[5], audio_input_tokens = s.u[6], audio_output_tokens = s.u[7],
            image_input_tokens = s.u[8], image_output_tokens = s.u[9], is_estimated = s.e, seconds = s.s, price = s.p,
            settled_at = v_now
        from said s join old o on o.attempt_id = s.a where l.attempt_id = o.attempt_id
        returning o.team, o.key_id, o.team_window, o.key_window,
            s.n - case when o.state = 'open' then 0 else o.nanodollars end as spent,
            case when o.state = 'open' then -o.held else 0 end as reserved
    ), released as (
        delete from lines where state = 'open'
            and attempt_id in (select json_array_elements_text(p_batch->'release'))
        returning team, key_id, team_window, key_window, 0::bigint as spent, -held as reserved
    ), moved as (select * from settled union all select * from released)
    select json_agg(m) into v_moves from (
        select * from json_to_recordset(coalesce(v_moves, '[]')) as x(s text, n text, w bigint, sp bigint, re bigint)
        union all select 'team', team, team_window, spent, reserved from moved where team_window is not null
        union all select 'key', key_id, key_window, spent, reserved from moved where key_window is not null
    ) m;
    v_moves := coalesce(v_moves, '[]');
    perform 1 from (
        select 1 from counters c join (
            select s, n, w from json_to_recordset(v_moves) as x(s text, n text, w bigint)
            union select unnest(v_scope), unnest(v_id), unnest(v_start)
        ) k on c.scope = k.s and c.id = k.n and c.window_start = k.w
        order by c.scope, c.id, c.window_start for no key update of c
    ) q;
    perform maestro_move(v_moves);
    select array_agg(coalesce(c.spent, 0) order by x.i), array_agg(coalesce(c.reserved, 0) order by x.i),
           array_agg(0::bigint)
        into v_spent, v_reserved, v_added
        from generate_subscripts(v_scope, 1) as x(i) left join counters c
        on c.scope = v_scope[x.i] and c.id = v_id[x.i] and c.window_start = v_start[x.i];
    for r in select * from json_to_recordset(p_batch->'reserve') as x(i integer, t integer, k integer, need bigint) loop
        v_place := case
            when r.t > 0 and v_spent[r.t] + v_reserved[r.t] + r.need > v_limit[r.t] then r.t
            when r.k > 0 and v_spent[r.k] + v_reserved[r.k] + r.need > v_limit[r.k] then r.k else 0 end;
        v_taken[r.i + 1] := v_place = 0;
        if v_place > 0 then
            v_refused := v_refused || jsonb_build_array(
                jsonb_build_array(r.i, v_place, v_spent[v_place], v_reserved[v_place]));
            continue;
        end if;
        if r.t > 0 then
            v_reserved[r.t] := v_reserved[r.t] + r.need; v_added[r.t] := v_added[r.t] + r.need;
        end if;
        if r.k > 0 then
            v_reserved[r.k] := v_reserved[r.k] + r.need; v_added[r.k] := v_added[r.k] + r.need;
        end if;
    end loop;
    insert into lines (attempt_id, reservation_id, run_id, team, key_id, model, purpose, technique, state, held, owner,
                       reserved_at, team_window, key_window)
        select x.a, x.r, x.run, x.team, x.key, x.m, x.p, x.q, 'open', x.h, p_owner, v_now,
               case when x.t > 0 then v_start[x.t] end, case when x.k > 0 then v_start[x.k] end
        from json_to_recordset(p_batch->'lines')
            as x(i integer, a text, r text, run text, team text, key text, m text, p text, q text, h bigint,
                 t integer, k integer)
        where v_taken[x.i + 1];
    update counters c set reserved = c.reserved + x.more
        from (select unnest(v_scope) as s, unnest(v_id) as n, unnest(v_start) as w, unnest(v_added) as more) x
        where x.more <> 0 and c.scope = x.s and c.id = x.n and c.window_start = x.w;
    return json_build_object('now', v_now, 'refused', v_refused, 'scopes', coalesce((
        select json_agg(json_build_array(v_window[i], v_limit[i], v_soft[i], v_spent[i], v_reserved[i], v_start[i])
                        order by i) from generate_subscripts(v_scope, 1) as x(i)), '[]'));
end $$;

-- Charges the open lines of a worker that fell silent at their worst case, unless it has spoken since; how many.
create function maestro_bury(p_owner text, p_beat double precision, p_now double precision)
returns bigint language plpgsql as $$
declare
    v_moves json;
    v_count bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_owner, 7));
    if exists (select 1 from owners where id = p_owner and alive_at <> p_beat) then
        return 0;
    end if;
    lock table lines in row exclusive mode;
    with charged as (
        update lines set state = 'settled', nanodollars = held, is_estimated = 1, is_presumed = true,
            settled_at = maestro_now(p_now)
        where owner = p_owner and state = 'open' returning team, key_id, team_window, key_window, held
    ), moves as (
        select 'team' as s, team as n, team_window as w, held as sp, -held as re from charged where team_window is not null
        union all select 'key', key_id, key_window, held, -held from charged where key_window is not null
    )
    select json_agg(moves), (select count(*) from charged) into v_moves, v_count from moves;
    perform 1 from (
        select 1 from counters c join (
            select distinct s, n, w from json_to_recordset(coalesce(v_moves, '[]')) as x(s text, n text, w bigint)
        ) k on c.scope = k.s and c.id = k.n and c.window_start = k.w
        order by c.scope, c.id, c.window_start for no key update of c
    ) q;
    perform maestro_move(coalesce(v_moves, '[]'));
    delete from owners where id = p_owner;
    return coalesce(v_count, 0);
end $$;

-- Sets a budget. A changed window's counters are made anew from the rows: neither empty nor full by mistake.
create function maestro_put_budget(p_scope text, p_id text, p_window text, p_limit bigint, p_soft double precision,
                                   p_now double precision) returns void language plpgsql as $$
declare
    v_start bigint := maestro_window_start(p_window, maestro_now(p_now));
    v_old text;
begin
    lock table lines in share row exclusive mode;
    select "window" into v_old from budgets where scope = p_scope and id = p_id;
    insert into budgets values (p_scope, p_id, p_window, p_limit, p_soft) on conflict (scope, id) do update
        set "window" = excluded."window", nanodollars = excluded.nanodollars, soft_limit = excluded.soft_limit;
    if coalesce(v_old, 'total') = p_window then
        return;
    end if;
    if p_scope = 'team' then
        update lines set team_window = v_start where team = p_id and (state = 'open' or settled_at >= v_start);
        update archive set team_window = v_start
            where team = p_id and day >= to_char(to_timestamp(v_start) at time zone 'UTC', 'YYYY-MM-DD');
    else
        update lines set key_window = v_start where key_id = p_id and (state = 'open' or settled_at >= v_start);
        update archive set key_window = v_start
            where key_id = p_id and day >= to_char(to_timestamp(v_start) at time zone 'UTC', 'YYYY-MM-DD');
    end if;
    delete from counters where scope = p_scope and id = p_id;
    insert into counters select p_scope, p_id, begun, sum(spent), sum(held) from (
        select case p_scope when 'team' then team_window else key_window end as begun,
            case when state = 'settled' then nanodollars else 0 end as spent,
            case when state = 'open' then held else 0 end as held
            from lines where case p_scope when 'team' then team else key_id end = p_id
        union all
        select case p_scope when 'team' then team_window else key_window end, nanodollars, 0
            from archive where case p_scope when 'team' then team else key_id end = p_id
    ) x where begun is not null group by begun;
end $$;
