// Every study, by id.
import { activationStacking } from './activation-stacking';
import { crossPlaneLambda } from './cross-plane/lambda-choice';
import { maskedPretraining } from './cross-plane/pretraining';
import { crossPlaneRate } from './cross-plane/rate-choice';
import { crossPlane } from './cross-plane/study';
import { executedStep } from './executed-step';
import { iterationEconomy } from './iteration-economy';
import { intersectionFloor } from './intersection-floor';
import { intersectionStudy } from './intersection-loss';
import { linkedPlanes } from './linked-planes';
import { memoryTimeline } from './memory-timeline';
import { oneNetwork } from './one-network';
import { planeAgreement } from './plane-agreement';
import { planeReads } from './plane-reads';
import { remedies } from './remedies';
import { strides } from './strides';
import { pixels } from './pixels';
import type { StudyDefinition } from './study';
import { tableOne } from './table-one';
import { threePlanes } from './three-planes';
import { triSiamese } from './tri-siamese';
import { viewByView } from './view-by-view';
import { viewAlignment } from './view-alignment';

export const studies: Record<string, StudyDefinition> = {
  [planeAgreement.id]: planeAgreement,
  [planeReads.id]: planeReads,
  [linkedPlanes.id]: linkedPlanes,
  [strides.id]: strides,
  [pixels.id]: pixels,
  [threePlanes.id]: threePlanes,
  [iterationEconomy.id]: iterationEconomy,
  [remedies.id]: remedies,
  [viewByView.id]: viewByView,
  [viewAlignment.id]: viewAlignment,
  [activationStacking.id]: activationStacking,
  [executedStep.id]: executedStep,
  [memoryTimeline.id]: memoryTimeline,
  [triSiamese.id]: triSiamese,
  [tableOne.id]: tableOne,
  [intersectionStudy.id]: intersectionStudy,
  [intersectionFloor.id]: intersectionFloor,
  [oneNetwork.id]: oneNetwork,
  [maskedPretraining.id]: maskedPretraining,
  [crossPlaneRate.id]: crossPlaneRate,
  [crossPlaneLambda.id]: crossPlaneLambda,
  [crossPlane.id]: crossPlane,
};
