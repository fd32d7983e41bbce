import fc from 'fast-check';
import { rounds } from './effort.ts';

fc.configureGlobal({ numRuns: rounds(100) });
