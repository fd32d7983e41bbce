import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { InputError } from '../support/failure.ts';

/** A file that a setting names, read. */
export interface PemFile {
  /** `--tls-ca`, or `tls.ca` of a profile. */
  readonly setting: string;
  readonly path: string;
  readonly text: string;
}

/**
 * Requires what OpenSSL would pass over (an authority's file without a certificate, a certificate without its key), or would refuse
 * in words that name no file. @throws InputError naming setting and file
 */
export function requireUsable(
  ca: PemFile | undefined,
  certificate: PemFile | undefined,
  key: PemFile | undefined,
): void {
  if (ca) certificateIn(ca);
  if (certificate && !key) throw lonely(certificate, 'key');
  if (key && !certificate) throw lonely(key, 'certificate');
  if (certificate && key && !certificateIn(certificate).checkPrivateKey(keyIn(key))) {
    throw new InputError(
      `${nameOf(key)} does not belong to ${nameOf(certificate)}`,
      'name the certificate and the key that it was made for',
    );
  }
  try {
    createSecureContext({ ca: ca?.text, cert: certificate?.text, key: key?.text });
  } catch (error) {
    const files = [ca, certificate, key].flatMap((file) => (file ? [nameOf(file)] : []));
    throw new InputError(`${files.join(', ')} cannot be used: ${(error as Error).message}`);
  }
}

const nameOf = ({ setting, path }: PemFile) => `${setting} \`${path}\``;

function lonely(file: PemFile, missing: 'certificate' | 'key'): InputError {
  const { setting, text, path } = file;
  const isBoth = missing === 'key' ? /PRIVATE KEY-----/.test(text) : /BEGIN CERTIFICATE-----/.test(text);
  const where = isBoth ? path : 'FILE';
  const option = missing === 'key' ? '--tls-key' : '--tls-cert';
  const way = setting.startsWith('--') ? `${option} ${where}` : `"${missing}": "${where}" next to it`;
  return new InputError(`${nameOf(file)} is given without its ${missing}`, `name the ${missing}: ${way}`);
}

/** @throws InputError */
function certificateIn(file: PemFile): X509Certificate {
  try {
    return new X509Certificate(file.text);
  } catch (error) {
    throw unlike(file, 'CERTIFICATE', error);
  }
}

/** @throws InputError */
function keyIn(file: PemFile) {
  try {
    return createPrivateKey(file.text);
  } catch (error) {
    if (!file.text.includes('ENCRYPTED')) throw unlike(file, 'PRIVATE KEY', error);
    throw new InputError(
      `${nameOf(file)} is encrypted, and its passphrase cannot be given`,
      '`openssl pkey -in FILE -out PLAIN` writes it without one',
    );
  }
}

function unlike(file: PemFile, wanted: 'CERTIFICATE' | 'PRIVATE KEY', error: unknown): InputError {
  const labels = [...file.text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label = '']) => label);
  const [first] = labels;
  if (labels.some((label) => label.endsWith(wanted)))
    return new InputError(`the ${wanted} in ${nameOf(file)} cannot be read: ${(error as Error).message}`);
  const what = first === undefined ? 'is not PEM' : `is a ${first}, not a ${wanted}`;
  return new InputError(`${nameOf(file)} ${what}`, `name a file with a line \`-----BEGIN ${wanted}-----\``);
}
