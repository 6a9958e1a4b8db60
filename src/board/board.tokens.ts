/** The checked options of one board. */
export const BOARD_OPTIONS = 'DIFFSYNC_BOARD_OPTIONS';
/** Its controllers, which have its path and guards. */
export const BOARD_CONTROLLERS = 'DIFFSYNC_BOARD_CONTROLLERS';
