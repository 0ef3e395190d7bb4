/**
 * Every limit that both sides must agree on, in one place: its unit is its last word, its reason is beside it.
 * Limits of one side alone (a cache size, a thread count) stay beside the code that they bound.
 */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A basket of twenty coupons is more than any register prints; it bounds one transaction. */
export const CODES_PER_BASKET_MAX = 20;
/** Contract: store, lane, day and number fit with room to spare. */
export const BASKET_ID_CHARACTERS_MAX = 64;
/** Lane names are shown on a cashier's display. */
export const LANE_CHARACTERS_MAX = 16;
/** A retailer's customer number. */
export const CUSTOMER_CHARACTERS_MAX = 64;
/** Lines of one sale: the body limit would allow more, no till prints more. */
export const LINES_PER_BASKET_MAX = 500;
/** The longest barcode text that any scanner profile reads. */
export const CODE_CHARACTERS_READ_MAX = 512;
/** A code made elsewhere, as it is kept: the longest GS1 coupon has 74, and a display's line 20. */
export const CODE_CHARACTERS_STORED_MAX = 96;
/** Forms of imported codes on one card: every scan at a till is held against the forms of every card. */
export const FORMS_PER_CARD_MAX = 8;
/** What a form may tell of how its codes begin: enough to tell them from products. */
export const FORM_PREFIX_CHARACTERS_MAX = 8;
/** A file of codes made elsewhere: a million of 16 characters with a date beside each fit three times. */
export const IMPORT_BYTES_MAX = 64 * 1024 * 1024;
/** Lines of one file, and so codes: taken in within a minute or two, and compared in less than a gigabyte of memory. */
export const IMPORT_LINES_MAX = 1_000_000;
/** A request body: twenty codes and five hundred lines fit; what is larger is hostile or broken. */
export const BODY_BYTES_MAX = 64 * 1024;
/** Why a sale was undone: a word or two for the books. */
export const REVERSAL_REASON_CHARACTERS_MAX = 120;

/** How long one basket may keep a code without redeeming it; carts too. A sale takes minutes, a suspended one a few more. */
export const USE_MS = 15 * minute;
/** A recall that nobody needs any more must not return codes for ever; longer than any use. */
export const RECALL_DEADLINE_MS = 15 * minute;
/** What a shopper at a web cart will wait for a store's answer. */
export const RECALL_WAIT_CART_MS = 1_500;
/** What is left of another store's 800 ms scan deadline after two hops. */
export const RECALL_WAIT_STORE_MS = 500;
/** Told to the caller where nothing better is known about a silent store. */
export const RETRY_AFTER_SECONDS = 300;
/** A code that a store gave back is not stocked again at once: somebody wanted it elsewhere. */
export const RESTOCK_PAUSE_MS = 1 * hour;

/** How far ahead a reservation ends: longer than a long weekend without a line. */
export const RESERVATION_MS = 72 * hour;
/** Under this much left, a heartbeat is answered with an extension: renewed every six hours. */
export const EXTEND_UNDER_MS = 66 * hour;
/** The cloud acts on a reservation's end this much later than the store stops: crystal drift and two hops. */
export const MARGIN_MS = 120 * second;
/** Drift that a box's monotonic clock may have, in millionths; added to the margin over the whole term. */
export const DRIFT_PPM = 200;

/** One signature covers this many reservations; a manifest of 500 is about 150 kB on the wire. */
export const GRANT_RESERVATIONS_MAX = 500;
/** A blank's text as it travels: a code and the address of its face, sealed. */
export const BLANK_SEALED_CHARACTERS_MAX = 1_000;
/** Blanks of one campaign in one store: a busy store's receipts of a long weekend, and what a stolen box could give out. */
export const BLANKS_PER_STORE_MAX = 5_000;
/** Entries of one journal upload; one ledger transaction applies them. */
export const JOURNAL_ENTRIES_PER_UPLOAD_MAX = 500;
/** Holdings listed in one part of a sync. */
export const SYNC_HOLDINGS_PER_PART_MAX = 2_000;
/** Scans told in one message: some 150 kB, and one transaction of some ten milliseconds in the cloud. */
export const SCANS_PER_MESSAGE_MAX = 500;
/** A message of the link, in bytes: the largest manifest with its cards fits twice. */
export const MESSAGE_BYTES_MAX = 1024 * 1024;

export const HEARTBEAT_MS = 30 * second;
/** Three heartbeats: one may be lost without an alarm. */
export const SILENT_AFTER_MS = 90 * second;
export const SYNC_MS = 15 * minute;

/** An enrolment code is typed within a visit, not kept in a drawer. */
export const ENROLMENT_CODE_MS = 2 * hour;
/** A drill that is forgotten must not become an outage. */
export const DRILL_MINUTES_MAX = 60;
export const DRILL_MINUTES_DEFAULT = 15;

/** How long answers, reversals and journals are kept at least: a basket id may come again after it. */
export const KEEP_MS = 90 * day;

/** Links are spread over this many topics, so that cloud nodes can divide the fleet. */
export const SHARDS = 64;
/** The ledger's entries are chained in this many partitions by code hash: one hex digit. */
export const LEDGER_PARTITIONS = 16;

/** The latest moment at which a store with the worst allowed clock may still redeem; the cloud acts only after it. */
export const cloudActsAt = (notAfter: number): number =>
  notAfter + MARGIN_MS + Math.ceil((RESERVATION_MS * DRIFT_PPM) / 1_000_000);
