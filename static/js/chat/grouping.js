// What stands around each message: whose name, which day, where the unread ones begin. Pure.

const GROUP = 5 * 60 * 1000; // ms; chats/views/timeline.py has it too

/**
 * `messages`: [{authorId, time (Date), isReply, seq (null while unsent), isOwn, isDeleted}] from top to bottom.
 * `readUpTo`: the seq after which messages of others, unless deleted, are new; null for no divider.
 * `dayOf(date)`: a key that two times of the same day share.
 * Returns [{same, startsDay, isFirstNew}].
 */
export function arrange(messages, readUpTo, dayOf) {
  let newShown = readUpTo === null;
  return messages.map((message, index) => {
    const previous = messages[index - 1];
    const startsDay = previous === undefined || dayOf(previous.time) !== dayOf(message.time);
    const isNew = !message.isOwn && !message.isDeleted && message.seq !== null && message.seq > readUpTo;
    const isFirstNew = !newShown && isNew;
    newShown = newShown || isFirstNew;
    const close = previous !== undefined && message.time - previous.time < GROUP;
    const same = close && !startsDay && !isFirstNew && !message.isReply && previous.authorId === message.authorId;
    return { same, startsDay, isFirstNew };
  });
}
