-- Verifies the tree of the public log of one campaign, or of all campaigns if p_campaign_id is null:
-- computes the root after each record from the leaf hashes of the audit log, and compares it with
-- the checkpoints, the stored tiles and the stored state of the tree. Reads each log once. Returns
-- the first contradiction of each campaign.
create or replace function sambatan.verify_log_trees(p_campaign_id uuid default null)
returns table (campaign_id uuid, seq bigint, problem text) language plpgsql stable as $$
declare
  tree record;
  leaf record;
  -- The hashes of the complete subtrees, largest first.
  subtrees bytea[];
  node bytea;
  tile_root bytea;
  merges integer;
begin
  for tree in
    select s.campaign_id, coalesce(t.size, 0) as size, t.subtrees,
      coalesce(c.signed_size, 0) as signed_size
    from sambatan.campaign_states s
    left join sambatan.log_trees t on t.campaign_id = s.campaign_id
    left join (
      select k.campaign_id, max(k.size) as signed_size from sambatan.log_checkpoints k
      where p_campaign_id is null or k.campaign_id = p_campaign_id
      group by k.campaign_id) c on c.campaign_id = s.campaign_id
    where p_campaign_id is null or s.campaign_id = p_campaign_id
  loop
    campaign_id := tree.campaign_id;
    seq := 0;
    problem := null;
    subtrees := '{}';
    for leaf in
      select a.seq as position, a.leaf_hash, c.roots, t.root as tile_root
      from sambatan.audit_logs a
      left join (
        select k.size, array_agg(k.root) as roots from sambatan.log_checkpoints k
        where k.campaign_id = tree.campaign_id group by k.size) c on c.size = a.seq
      left join sambatan.log_tiles t on t.campaign_id = a.campaign_id and t.level = 0
        and a.seq % 256 = 0 and t.number = a.seq / 256 - 1
      where a.campaign_id = tree.campaign_id and a.seq <= greatest(tree.size, tree.signed_size)
      order by a.seq
    loop
      exit when leaf.position <> seq + 1;
      seq := leaf.position;
      node := leaf.leaf_hash;
      merges := 0;
      while seq % (1::bigint << (merges + 1)) = 0 loop
        node := sha256('\x01'::bytea || subtrees[cardinality(subtrees)] || node);
        subtrees := trim_array(subtrees, 1);
        merges := merges + 1;
        if merges = 8 then
          tile_root := node;
        end if;
      end loop;
      subtrees := subtrees || node;
      if seq % 256 = 0 and leaf.tile_root is distinct from tile_root then
        problem := 'the tile that ends here contradicts the log';
      end if;
      if leaf.roots is not null then
        for place in reverse cardinality(subtrees) - 1 .. 1 loop
          node := case when place = cardinality(subtrees) - 1
            then sha256('\x01'::bytea || subtrees[place] || subtrees[place + 1])
            else sha256('\x01'::bytea || subtrees[place] || node) end;
        end loop;
        if node <> any (leaf.roots) then
          problem := 'a checkpoint of this size has another root than the log';
        end if;
      end if;
      exit when problem is not null;
    end loop;
    if problem is null and seq < greatest(tree.size, tree.signed_size) then
      seq := seq + 1;
      problem := 'a signed record is missing';
    elsif problem is null and tree.size <> tree.signed_size then
      problem := 'the stored tree is not that of the newest checkpoint';
    elsif problem is null and seq > 0 and tree.subtrees is distinct from (
      select string_agg(s.hash, ''::bytea order by s.place)
      from unnest(subtrees) with ordinality as s (hash, place)) then
      problem := 'the stored tree contradicts the log';
    elsif problem is null and tree.size >= 256 and (
      select count(*) from (
        select t.level, t.number from sambatan.log_tiles t
        where t.campaign_id = tree.campaign_id
          and t.hashes is distinct from case when t.level = 0 then (
            select string_agg(a.leaf_hash, ''::bytea order by a.seq) from sambatan.audit_logs a
            where a.campaign_id = t.campaign_id
              and a.seq > t.number * 256 and a.seq <= t.number * 256 + 256)
          else (
            select string_agg(b.root, ''::bytea order by b.number) from sambatan.log_tiles b
            where b.campaign_id = t.campaign_id and b.level = t.level - 1
              and b.number >= t.number * 256 and b.number < t.number * 256 + 256) end
        ) w) > 0 then
      problem := 'a stored tile contradicts the log';
    end if;
    if problem is not null then
      return next;
    end if;
  end loop;
end
$$;
