import { askUntilAnswered } from "../clients/typescript/check-session.ts";
import { claimAndKeep } from "../clients/typescript/claim-and-keep.ts";
import { lapseReporter } from "../lambdas/lapses/report-lapses.ts";
import { claimHandler } from "../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../lambdas/routes/release-route.ts";
import { checkAgainstDate, provenDifferenceMs } from "../lambdas/rules/clock-skew.ts";
import { openTable } from "../lambdas/store/table.ts";
import { attributeChange, changeLicense } from "../ops/data/change-license.ts";
import { createLicense } from "../ops/data/create-license.ts";
import { deleteLicense } from "../ops/data/delete-license.ts";
import { endSeenSession } from "../ops/data/end-seen-session.ts";
import { getItem, getLicense } from "../ops/data/get-license.ts";
import { rekeyLicense } from "../ops/data/rekey-license.ts";
import { writeRow } from "../ops/import/write-row.ts";

/** What a version has of the functions. */
export const functions = { claimHandler, heartbeatHandler, releaseHandler, openTable };

/** What each world runs as it is. */
export const programs = {
  openSession: claimAndKeep,
  checkSession: askUntilAnswered,
  provenDifferenceMs,
  checkAgainstDate,
  lapseReporter,
  endSeenSession,
  getLicense,
  getItem,
  attributeChange,
  changeLicense,
  createLicense,
  deleteLicense,
  rekeyLicense,
  writeRow,
};
