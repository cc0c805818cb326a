/** The columns of campaign_states; all others belong to campaign_details. */
const stateColumns: ReadonlySet<string> = new Set([
  'filled_slots',
  'confirmed_slots',
  'participant_count',
  'waiting_entries',
  'reserved_slots',
  'audit_seq',
  'logged_slots',
  'updated_at',
  'next_run_at',
  'closing_outcome',
  'closing_actor',
  'closing_reason',
  'closed_until',
]);
/** The columns that both tables have. */
const copied: ReadonlySet<string> = new Set(['status', 'total_slots']);

/**
 * Returns one SQL statement that sets columns of a campaign in the two tables that hold it. `set`
 * has the assignments of an UPDATE, separated by commas; each may read columns of its own table.
 * `where` is a condition on columns that both tables have.
 */
export function updateCampaign(set: string, where = 'campaign_id = $1'): string {
  const assignments = set.split(/,(?![^(]*\))/).map((text) => text.trim());
  const column = (text: string) => text.slice(0, text.search(/[ =]/));
  // The next event must not count slots that a test has set.
  const filled = assignments.find((text) => column(text) === 'filled_slots');
  if (filled !== undefined) assignments.push(filled.replace('filled_slots', 'logged_slots'));
  const ofStates = assignments.filter(
    (text) => stateColumns.has(column(text)) || copied.has(column(text)),
  );
  const ofDetails = assignments.filter((text) => !stateColumns.has(column(text)));
  const update = (table: string, values: readonly string[]) =>
    `update sambatan.${table} set ${values.join(', ')} where ${where}`;
  if (ofStates.length === 0) return update('campaign_details', ofDetails);
  if (ofDetails.length === 0) return update('campaign_states', ofStates);
  return `with states as (${update('campaign_states', ofStates)})
    ${update('campaign_details', ofDetails)}`;
}
