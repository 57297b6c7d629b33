import type { ChatKeeper } from '../chat/keeper.ts';
import { chatMountOf } from '../chat/persistence.ts';
import type { ServicesSnapshot } from '../services/types.ts';

/** What the chats need of the services: their mount, whether the page is ready, and its exits. Call it with every snapshot. */
export function createChatFollower(chats: ChatKeeper): (snapshot: ServicesSnapshot) => void {
  let exits = 0;
  return (snapshot) => {
    const ui = snapshot.services['ui'];
    // Between create and inspect nothing is known of the mounts of a new container.
    if (ui?.started_at != null) chats.setMount(chatMountOf(snapshot.mounts['ui'] ?? []));
    chats.setPageReady(ui?.ready === true);
    const now = ui?.restarts ?? 0;
    // An unclean end may have damaged the database.
    if (now !== exits) chats.checkSoon();
    exits = now;
  };
}
