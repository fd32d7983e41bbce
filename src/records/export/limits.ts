/** A longer record is not read back by `warm`. */
export const mostRecordBytes = 128 * 1024 * 1024;

export const tooLong =
  'its record is longer than the 128 MiB that can be loaded again; --form archive keeps it';

/** A field that stands in an entry twice, or fields whose names JSON would sort. */
export const noForm = 'an entry has fields that no JSON object keeps as they are; --form archive keeps it';

/** `warm` has no command that makes such a stream. */
export const noEntries = 'it is a stream without entries, which no record holds; --form archive keeps it';
