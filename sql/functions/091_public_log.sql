-- Reads and writes the trees of the public log. docs/public-log.md describes them.

-- Returns the leaf hashes of campaigns from p_sizes (exclusive) to p_targets (inclusive), in order,
-- with the number of rows and the times of the first and the last of them.
create or replace function sambatan.log_leaves(
  p_campaign_ids uuid[], p_sizes bigint[], p_targets bigint[]
) returns table (
  campaign_id uuid, leaves bytea, records bigint, oldest timestamptz, newest timestamptz
) language plpgsql stable as $$
begin
  return query
    select w.campaign_id, string_agg(a.leaf_hash, ''::bytea order by a.seq), count(*),
      min(a.occurred_at), max(a.occurred_at)
    from unnest(p_campaign_ids, p_sizes, p_targets) as w (campaign_id, size, target)
    join sambatan.audit_logs a on a.campaign_id = w.campaign_id
      and a.seq > w.size and a.seq <= w.target
    group by w.campaign_id;
end
$$;

-- Stores full tiles whose roots are given. A tile of level 0 has the leaf hashes of the audit log; a
-- tile of another level has the roots of the tiles below it.
create or replace function sambatan.insert_log_tiles(
  p_campaign_ids uuid[], p_levels smallint[], p_numbers bigint[], p_roots bytea[]
) returns void language plpgsql as $$
declare
  highest smallint;
begin
  insert into sambatan.log_tiles (campaign_id, level, number, hashes, root)
    select w.campaign_id, 0, w.number, string_agg(a.leaf_hash, ''::bytea order by a.seq), w.root
    from unnest(p_campaign_ids, p_levels, p_numbers, p_roots)
      as w (campaign_id, level, number, root)
    join sambatan.audit_logs a on a.campaign_id = w.campaign_id
      and a.seq > w.number * 256 and a.seq <= w.number * 256 + 256
    where w.level = 0
    group by w.campaign_id, w.number, w.root;
  select max(level) into highest from unnest(p_levels) as level;
  for tile_level in 1 .. highest loop
    insert into sambatan.log_tiles (campaign_id, level, number, hashes, root)
      select w.campaign_id, tile_level, w.number,
        string_agg(t.root, ''::bytea order by t.number), w.root
      from unnest(p_campaign_ids, p_levels, p_numbers, p_roots)
        as w (campaign_id, level, number, root)
      join sambatan.log_tiles t on t.campaign_id = w.campaign_id and t.level = tile_level - 1
        and t.number >= w.number * 256 and t.number < w.number * 256 + 256
      where w.level = tile_level
      group by w.campaign_id, w.number, w.root;
  end loop;
end
$$;

-- Returns the first p_width hashes of a tile. Null if the tile has no hashes.
create or replace function sambatan.log_tile(
  p_campaign_id uuid, p_level integer, p_number bigint, p_width integer
) returns bytea language plpgsql stable as $$
declare
  found_hashes bytea;
begin
  select substring(t.hashes from 1 for p_width * 32) into found_hashes
    from sambatan.log_tiles t
    where t.campaign_id = p_campaign_id and t.level = p_level and t.number = p_number;
  if found_hashes is not null then
    return found_hashes;
  end if;
  if p_level = 0 then
    select string_agg(a.leaf_hash, ''::bytea order by a.seq) into found_hashes
      from sambatan.audit_logs a
      where a.campaign_id = p_campaign_id
        and a.seq > p_number * 256 and a.seq <= p_number * 256 + p_width;
  else
    select string_agg(t.root, ''::bytea order by t.number) into found_hashes
      from sambatan.log_tiles t
      where t.campaign_id = p_campaign_id and t.level = p_level - 1
        and t.number >= p_number * 256 and t.number < p_number * 256 + p_width;
  end if;
  return found_hashes;
end
$$;

-- Returns the public records of a tile, each with its length (66) before it.
create or replace function sambatan.log_entries(
  p_campaign_id uuid, p_number bigint, p_width integer
) returns bytea language plpgsql stable as $$
declare
  entries bytea;
begin
  select string_agg('\x0042'::bytea || sambatan.public_record(a.seq, a.occurred_at, a.event,
      a.slots, a.slots_taken, a.total_slots, a.price_per_slot, a.commitment), ''::bytea
      order by a.seq) into entries
    from sambatan.audit_logs a
    where a.campaign_id = p_campaign_id
      and a.seq > p_number * 256 and a.seq <= p_number * 256 + p_width;
  return entries;
end
$$;

-- Records that the database was restored from a backup that was begun at p_backup_at. From then on
-- every checkpoint says so.
create or replace function sambatan.note_restore(p_backup_at timestamptz)
returns void language plpgsql as $$
begin
  insert into sambatan.log_restores (restored_at, backup_at)
    values (clock_timestamp(), p_backup_at);
  update sambatan.log_trees set is_outdated = true where not is_outdated;
end
$$;

-- Notices that this database was restored with other programs: then it has no row in
-- sambatan.installation. Records the restore, and adds the row, in quarantine. Returns whether it
-- did. The time of the newest checkpoint stands for the unknown time of the backup.
create or replace function sambatan.note_restore_by_hand()
returns boolean language plpgsql as $$
declare
  backup_at timestamptz;
begin
  insert into sambatan.installation (quarantined_since, quarantine_reason)
    values (clock_timestamp(), 'restored by hand')
    on conflict (is_the_one) do nothing;
  if not found then
    return false;
  end if;
  select c.signed_at into backup_at from sambatan.log_checkpoints c order by c.number desc limit 1;
  perform sambatan.note_restore(coalesce(backup_at, clock_timestamp()));
  return true;
end
$$;
