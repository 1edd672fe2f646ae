import {productOver,every} from './src/backends/wasm/product';
const memory=new WebAssembly.Memory({initial:4096,maximum:65536});let top=65536;const malloc=(n:number)=>{const r=top;top+=(n+63)&~63;return r};
const mul=productOver(memory,malloc);
const base=top;
const best=(f:()=>void,n=9)=>{let b=1e9;for(let i=0;i<n;i++){const t=performance.now();f();b=Math.min(b,performance.now()-t)}return b};
for(const [B,M,K,N,ta,tb] of [[1,7,5,11,0,0],[1,130,300,530,1,1],[1,9,257,3,0,1],[1,64,192,576,0,0],[1,256,384,1536,0,0],[1,512,512,512,0,0],[1,1024,1024,1024,0,0],[1,1024,1024,1024,0,1],[1,1024,1024,1024,1,0],[1,1024,1024,1024,1,1],[16,1024,64,1024,0,1],[16,1024,1024,64,0,0],[16,64,1024,1024,0,0],[12,64,64,64,0,1],[64,16,16,16,0,0],[512,8,8,8,0,0],[1,32768,216,16,0,0],[1,216,32768,16,1,0],[1,1,768,768,0,0]] as const){
 top=base;const a=malloc(4*B*M*K),b=malloc(4*B*K*N),o=malloc(4*B*M*N);
 const A=new Float32Array(memory.buffer,a,B*M*K).map(()=>Math.random()-.5),Bm=new Float32Array(memory.buffer,b,B*K*N).map(()=>Math.random()-.5);new Float32Array(memory.buffer,a,B*M*K).set(A);new Float32Array(memory.buffer,b,B*K*N).set(Bm);
 const run=()=>{const ar=every(M,ta?4:4*K),ac=every(K,ta?4*M:4),br=every(K,tb?4:4*N),bc=every(N,tb?4*K:4),or=every(M,4*N),oc=every(N,4);for(let i=0;i<B;i++)mul({base:a+4*i*M*K,rows:ar,columns:ac},{base:b+4*i*K*N,rows:br,columns:bc},{base:o+4*i*M*N,rows:or,columns:oc})};
 run();let e=0;const O=new Float32Array(memory.buffer,o,B*M*N);for(let t=0;t<200;t++){const i=Math.random()*M|0,j=Math.random()*N|0,bb=Math.random()*B|0;let s=0;for(let k=0;k<K;k++)s+=A[bb*M*K+(ta?k*M+i:i*K+k)]*Bm[bb*K*N+(tb?j*K+k:k*N+j)];e=Math.max(e,Math.abs(s-O[bb*M*N+i*N+j]))}
 const ms=best(run);console.log([B,M,K,N].join('x'),ta?'T':'N',tb?'T':'N','err',e.toExponential(1),(2*B*M*K*N/ms/1e6).toFixed(1),'GF',ms.toFixed(3),'ms')}
