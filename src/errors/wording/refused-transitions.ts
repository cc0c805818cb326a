import { type Wording, wording } from '../../i18n/messages.ts';

/** Returns a message that explains why an event is not possible in the status `from`. */
type ByStatus = (values: { readonly from: string }) => Wording;

const ofCampaigns: Readonly<Record<string, ByStatus>> = {
  campaign_opened: (at) => wording('errors.transition_not_allowed.campaign_opened', at),
  campaign_edited: (at) => wording('errors.transition_not_allowed.campaign_edited', at),
  deadline_extended: (at) => wording('errors.transition_not_allowed.deadline_extended', at),
  campaign_cancelled: (at) => wording('errors.transition_not_allowed.campaign_cancelled', at),
  campaign_shipped: (at) => wording('errors.transition_not_allowed.campaign_shipped', at),
  campaign_shortfall: (at) => wording('errors.transition_not_allowed.campaign_shortfall', at),
};

const ofOrders: Readonly<Record<string, ByStatus>> = {
  participant_confirmed: (at) =>
    wording('errors.participation_transition_not_allowed.participant_confirmed', at),
  participant_cancelled: (at) =>
    wording('errors.participation_transition_not_allowed.participant_cancelled', at),
  participant_changed: (at) =>
    wording('errors.participation_transition_not_allowed.participant_changed', at),
  participant_fulfilled: (at) =>
    wording('errors.participation_transition_not_allowed.participant_fulfilled', at),
  dispute_opened: (at) => wording('errors.participation_transition_not_allowed.dispute_opened', at),
};

/** The parameters of the error for a transition that is not possible. */
export interface RefusedTransition {
  readonly from: string;
  readonly event: string;
}

/** Returns the reason why an event of a campaign is not possible in the current status. */
export function refusedOfCampaign({ from, event }: RefusedTransition): Wording {
  return ofCampaigns[event]?.({ from }) ?? wording('errors.transition_not_allowed.other');
}

/** Returns the reason why an event of a participation is not possible in the current status. */
export function refusedOfParticipation({ from, event }: RefusedTransition): Wording {
  return (
    ofOrders[event]?.({ from }) ?? wording('errors.participation_transition_not_allowed.other')
  );
}
