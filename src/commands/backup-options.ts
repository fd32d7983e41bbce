/** Help for the options of commands that remove keys. */
export const backupTexts = {
  backup:
    'keep the values however many, so that `cachectl undo` can put them back (default: up to 10,000 keys and 100 MB)',
  noBackup: 'keep no values: the removal cannot be undone',
} as const;
