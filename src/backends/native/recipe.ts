// What native TensorFlow is made of: the exact wheels, by name, hash and size. No address: where they come from is
// pip's business, and so its user's.

/** For the processor, or for NVIDIA cards (which computes on the processor where no card is). */
export const forms = ['cpu', 'gpu'] as const;
export type Form = (typeof forms)[number];

/** The npm package that carries the binding's sources and the kernels of each form. */
export const packageOf: Record<Form, string> = {
  cpu: 'tfjs-node-native',
  gpu: '@tensorflow/tfjs-node-gpu',
};

/** A wheel (a zip file) and what of it is kept. */
export interface Wheel {
  /** The project's name, as pip knows it. */
  project: string;
  version: string;
  /** The file's name in the index. */
  file: string;
  bytes: number;
  sha256: string;
  /** Bytes of what is kept, unpacked. */
  keptBytes: number;
}

export interface Recipe {
  /** TensorFlow's version. */
  version: string;
  wheels: Record<Form, Wheel>;
  /** NVIDIA's libraries; fetched only where a card answers. */
  cuda: readonly Wheel[];
}

/** The oldest glibc that the wheels run on (their tag, manylinux_2_27). */
export const glibcNeeded = '2.27';

/** For `pip download`: the wheels are the same whatever Python runs pip. */
export const pipTarget: readonly string[] = [
  '--no-deps',
  '--only-binary=:all:',
  '--python-version=3.12',
  '--implementation=cp',
  ...['manylinux_2_27_x86_64', 'manylinux2014_x86_64', 'manylinux2010_x86_64'].map((p) => `--platform=${p}`),
];

const libraries = /^tensorflow\/libtensorflow_(cc|framework)\.so\.2$/;
/** What the binding's two files include, directly or not (as `g++ -M` lists it: 14 headers), with room for more. */
const headers =
  /^tensorflow\/include\/(tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/[\w/]+\.h$/;
/** Of NVIDIA's wheels everything but headers, static libraries and Python: libraries, and XLA's compiler. */
const cuda = /^nvidia\/\w+\/(?!include\/)(?!.*\.(?:a|h|hpp|py)$)./;

/** Whether a member of a wheel is kept. */
export function isKept(member: string): boolean {
  return libraries.test(member) || headers.test(member) || cuda.test(member);
}

/**
 * TensorFlow 2.21.0 from PyPI, and of NVIDIA's CUDA 12 what its METADATA asks for with the extra `and-cuda`: the newest
 * in range on 2026-11-22, which serve cards up to Blackwell, but cuDNN, of which 9.10 is the last that serves Pascal
 * and Volta, and NCCL, of which the oldest in range is taken.
 */
export const recipe: Recipe = {
  version: '2.21.0',
  wheels: {
    cpu: {
      project: 'tensorflow-cpu',
      version: '2.21.0',
      file: 'tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl',
      bytes: 274_000_871,
      sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
      keptBytes: 854_258_761,
    },
    gpu: {
      project: 'tensorflow',
      version: '2.21.0',
      file: 'tensorflow-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl',
      bytes: 572_611_111,
      sha256: 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
      keptBytes: 1_259_970_905,
    },
  },
  cuda: [
    {
      project: 'nvidia-cublas-cu12',
      version: '12.9.3.13',
      file: 'nvidia_cublas_cu12-12.9.3.13-py3-none-manylinux_2_27_x86_64.whl',
      bytes: 581_217_458,
      sha256: 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      keptBytes: 855_064_416,
    },
    {
      project: 'nvidia-cuda-cupti-cu12',
      version: '12.8.90',
      file: 'nvidia_cuda_cupti_cu12-12.8.90-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      bytes: 10_248_621,
      sha256: 'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
      keptBytes: 41_311_976,
    },
    {
      project: 'nvidia-cuda-nvcc-cu12',
      version: '12.9.86',
      file: 'nvidia_cuda_nvcc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      bytes: 40_546_229,
      sha256: '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
      keptBytes: 97_998_760,
    },
    {
      project: 'nvidia-cuda-nvrtc-cu12',
      version: '12.9.86',
      file: 'nvidia_cuda_nvrtc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      bytes: 89_568_129,
      sha256: '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
      keptBytes: 227_340_992,
    },
    {
      project: 'nvidia-cuda-runtime-cu12',
      version: '12.9.79',
      file: 'nvidia_cuda_runtime_cu12-12.9.79-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      bytes: 3_493_179,
      sha256: '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      keptBytes: 741_088,
    },
    {
      project: 'nvidia-cudnn-cu12',
      version: '9.10.2.21',
      file: 'nvidia_cudnn_cu12-9.10.2.21-py3-none-manylinux_2_27_x86_64.whl',
      bytes: 706_758_467,
      sha256: '949452be657fa16687d0930933f032835951ef0892b37d2d53824d1a84dc97a8',
      keptBytes: 1_053_232_960,
    },
    {
      project: 'nvidia-cufft-cu12',
      version: '11.4.1.4',
      file: 'nvidia_cufft_cu12-11.4.1.4-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      bytes: 200_877_592,
      sha256: 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
      keptBytes: 293_609_416,
    },
    {
      project: 'nvidia-curand-cu12',
      version: '10.3.10.19',
      file: 'nvidia_curand_cu12-10.3.10.19-py3-none-manylinux_2_27_x86_64.whl',
      bytes: 68_295_626,
      sha256: '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
      keptBytes: 166_965_432,
    },
    {
      project: 'nvidia-cusolver-cu12',
      version: '11.7.5.82',
      file: 'nvidia_cusolver_cu12-11.7.5.82-py3-none-manylinux_2_27_x86_64.whl',
      bytes: 338_117_415,
      sha256: '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      keptBytes: 494_975_064,
    },
    {
      project: 'nvidia-cusparse-cu12',
      version: '12.5.10.65',
      file: 'nvidia_cusparse_cu12-12.5.10.65-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      bytes: 366_465_088,
      sha256: '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      keptBytes: 486_556_368,
    },
    {
      project: 'nvidia-nccl-cu12',
      version: '2.27.7',
      file: 'nvidia_nccl_cu12-2.27.7-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      bytes: 322_546_339,
      sha256: 'de5ba5562f08029a19cb1cd659404b18411ed0d6c90ac5f52f30bf99ad5809aa',
      keptBytes: 430_126_192,
    },
    {
      project: 'nvidia-nvjitlink-cu12',
      version: '12.9.86',
      file: 'nvidia_nvjitlink_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      bytes: 39_748_338,
      sha256: 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
      keptBytes: 95_935_344,
    },
  ],
};
